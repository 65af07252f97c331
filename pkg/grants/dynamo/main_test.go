package dynamo_test

import (
	"os"
	"testing"

	"github.com/signgate/signgate/pkg/dynamotable/dynamotest"
)

// emulator is where DynamoDB answers.
var emulator *dynamotest.Server

func TestMain(m *testing.M) {
	os.Exit(dynamotest.Run(m, func(server *dynamotest.Server) { emulator = server }))
}
