package dynamotable

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is the shape of a table, for whoever creates it.
type Table struct {
	Partition  string // a key attribute; those of keys are all strings
	Sort       string // likewise; none if empty
	Indexes    []Index
	TimeToLive string // the attribute with the time to live; none if empty
}

// Index is a global secondary index that holds all attributes.
type Index struct {
	Name      string
	Partition string
	Sort      string
}

// Config says where a table is and who asks.
type Config struct {
	Table       string
	Region      string
	Endpoint    string // empty for AWS itself
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient // nil for the SDK's own
}

// NewClient makes a client. Nothing is asked of DynamoDB yet.
func NewClient(config Config) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{}, func(o *dynamodb.Options) {
		o.Region, o.Credentials = config.Region, config.Credentials
		if config.Endpoint != "" {
			o.BaseEndpoint = aws.String(config.Endpoint)
		}
		if config.HTTP != nil {
			o.HTTPClient = config.HTTP
		}
	})
}

// IsRefusal says that the condition of a write wasn't met.
func IsRefusal(err error) bool {
	var refusal *types.ConditionalCheckFailedException
	return errors.As(err, &refusal)
}
