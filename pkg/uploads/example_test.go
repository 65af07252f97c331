package uploads_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/uploads"
)

func Example() {
	rules, err := uploads.ParseRules([]byte(`[{"prefix":"photos/","maxBytes":10485760,"contentTypes":["image/*"],"verify":true}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("types:", rules.Verifies(), uploads.AllowsType([]string{"image/*"}, "image/png"))

	size, err := uploads.PartSize(0, 100<<20)
	upload := uploads.Upload{MinLength: 100 << 20, MaxLength: 100 << 20, PartSize: size}
	last, _ := upload.PartLength(upload.PartCount())
	fmt.Println(upload.PartCount(), "parts of", size, "the last of", last, err)
	// Output:
	// types: true true
	// 13 parts of 8388608 the last of 4194304 <nil>
}
