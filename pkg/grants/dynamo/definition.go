package dynamo

import "github.com/signgate/signgate/pkg/dynamotable"

// The names of the attributes that keys are made of.
const (
	partitionAttribute = "pk"  // the resource's mark
	sortAttribute      = "sk"  // the grantee's mark and the serial
	granteeAttribute   = "gpk" // the grantee's mark
	sharedAttribute    = "gsk" // the serial and the resource's mark
	sweepAttribute     = "ttl" // when DynamoDB may sweep the grant, in seconds since 1970

	granteeIndex = "by-grantee"
)

// Definition returns the shape that a Store's table must have.
func Definition() dynamotable.Table {
	return dynamotable.Table{
		Partition: partitionAttribute, Sort: sortAttribute, TimeToLive: sweepAttribute,
		Indexes: []dynamotable.Index{{Name: granteeIndex, Partition: granteeAttribute, Sort: sharedAttribute}},
	}
}
