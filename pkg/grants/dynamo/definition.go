package dynamo

// The names of the attributes that keys are made of.
const (
	partitionAttribute = "pk"  // the resource's mark
	sortAttribute      = "sk"  // the grantee's mark and the serial
	granteeAttribute   = "gpk" // the grantee's mark
	sharedAttribute    = "gsk" // the serial and the resource's mark
	sweepAttribute     = "ttl" // when DynamoDB may sweep the grant, in seconds since 1970

	granteeIndex = "by-grantee"
)

// Table is the shape of a table, for whoever creates it.
type Table struct {
	Partition  string // a key attribute; those of keys are all strings
	Sort       string
	Indexes    []Index
	TimeToLive string // the attribute with the time to live
}

// Index is a global secondary index that holds all attributes.
type Index struct {
	Name      string
	Partition string
	Sort      string
}

// Definition returns the shape that a Store's table must have.
func Definition() Table {
	return Table{
		Partition: partitionAttribute, Sort: sortAttribute, TimeToLive: sweepAttribute,
		Indexes: []Index{{Name: granteeIndex, Partition: granteeAttribute, Sort: sharedAttribute}},
	}
}
