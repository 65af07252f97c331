package policytest_test

import (
	"encoding/json"
	"fmt"

	"github.com/signgate/signgate/infra/policytest"
)

const exampleTemplate = `{"Resources": {
	"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "photos"}},
	"BucketPolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": {
		"Bucket": {"Ref": "Bucket"},
		"PolicyDocument": {"Version": "2012-10-17", "Statement": [{
			"Sid": "ReadByOurDistribution", "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"},
			"Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
			"Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/OURS"}}
		}, {
			"Sid": "OnlyOverTLS", "Effect": "Deny", "Principal": "*",
			"Action": "s3:*", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
			"Condition": {"Bool": {"aws:SecureTransport": "false"}}
		}]}
	}}
}}`

// What a synthesized template lets CloudFront and others do.
func Example() {
	template := policytest.Template{Stack: "Photos", Region: "eu-west-1"}
	if err := json.Unmarshal([]byte(exampleTemplate), &template.Body); err != nil {
		panic(err)
	}
	policies, err := policytest.Resolve(policytest.Context{Account: "111122223333"}, template)
	if err != nil {
		panic(err)
	}
	const photo = "arn:aws:s3:::photos/a.jpg"
	read := policytest.NewRequest(policytest.Service("cloudfront.amazonaws.com"), "s3:GetObject", photo)
	ours := read.OnBehalfOf("arn:aws:cloudfront::111122223333:distribution/OURS", "111122223333")
	for _, request := range []policytest.Request{
		ours,
		ours.OverHTTP(),
		read.OnBehalfOf("arn:aws:cloudfront::111122223333:distribution/THEIRS", "111122223333"),
		policytest.NewRequest(policytest.Anonymous(), "s3:GetObject", photo),
	} {
		answer, err := policies.EvaluateObject(request)
		if err != nil {
			panic(err)
		}
		fmt.Println(answer)
	}
	// Output:
	// allowed: the resource's policy Photos/BucketPolicy/ReadByOurDistribution
	// denied: an explicit deny Photos/BucketPolicy/OnlyOverTLS
	// denied: the resource's policy doesn't allow it
	// denied: the resource's policy doesn't allow it
}
