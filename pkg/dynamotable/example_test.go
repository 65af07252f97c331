package dynamotable_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/dynamotable"
)

func Example() {
	item := dynamotable.Item{"owner": dynamotable.Text("alice"), "uses": dynamotable.Text("three")}
	read := dynamotable.Reader{Item: item}
	fmt.Println(read.Text("owner"), read.Number("uses"))
	fmt.Println("not as it should be:", read.Missing)
	// Output:
	// alice 0
	// not as it should be: uses
}
