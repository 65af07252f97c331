package problem_test

import (
	"encoding/json"
	"fmt"

	"github.com/signgate/signgate/pkg/problem"
)

func Example() {
	document := problem.New(problem.InvalidRequest, "", problem.Field{Pointer: "/items/0/key", Detail: "object key has a dot segment"})
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "type": "https://github.com/signgate/signgate/blob/main/PROBLEMS.md#invalid-request",
	//   "title": "The request breaks a rule",
	//   "status": 422,
	//   "code": "invalid-request",
	//   "errors": [
	//     {
	//       "pointer": "/items/0/key",
	//       "detail": "object key has a dot segment"
	//     }
	//   ]
	// }
}
