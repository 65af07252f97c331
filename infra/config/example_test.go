package config_test

import (
	"fmt"
	"testing/fstest"

	"github.com/signgate/signgate/infra/config"
)

func ExampleLoad() {
	folder := fstest.MapFS{"dev.json": {Data: []byte(`{"account": "111122223333", "signingKeys": {"source": "own", "slots": [{"id": "a", "publicKey": "a.pem"}], "active": "b"}}`)}}
	_, err := config.Load(folder, "dev")
	fmt.Println(err)
	// Output: invalid environment: dev.json: signingKeys.slots[0].publicKey: "a.pem" can't be read; it is the path of a PEM file below the folder of the environments; account and region go together: either both or neither; signingKeys.active "b" is none of the slots
}
