package policytest

import (
	"fmt"
	"strings"
)

// EvaluateObject judges a request for an object and then what S3 asks of KMS
// in the caller's name: kms:Decrypt to read, kms:GenerateDataKey to write, both
// to write in parts ("Using server-side encryption with AWS KMS keys"). A write
// takes the key its headers name, everything else the bucket's. The answer of
// what denies first is given; an Allow cites the statements of all.
func (p *Policies) EvaluateObject(r Request) (Answer, error) {
	answer, err := p.Evaluate(r)
	if err != nil || !answer.Allowed {
		return answer, err
	}
	key, bucket, err := p.keyOf(r)
	if err != nil || key == "" {
		return answer, err
	}
	var uses []string
	switch r.Action {
	case "s3:GetObject", "s3:GetObjectVersion":
		uses = []string{"kms:Decrypt"}
	case "s3:PutObject":
		uses = []string{"kms:GenerateDataKey"}
		if r.multipart {
			uses = append(uses, "kms:Decrypt")
		}
	}
	for _, use := range uses {
		used, err := p.Evaluate(r.forKey(use, key, bucket))
		if err != nil {
			return Answer{}, err
		}
		if !used.Allowed {
			used.Reason = use + ": " + used.Reason
			return used, nil
		}
		answer.Statements = append(answer.Statements, used.Statements...)
	}
	return answer, nil
}

// keyOf is the ARN of the key that the object is or will be encrypted with.
func (p *Policies) keyOf(r Request) (string, *Bucket, error) {
	arn, _, _ := strings.Cut(r.Resource, "/")
	bucket := p.Buckets[arn]
	if bucket == nil {
		return "", nil, fmt.Errorf("%s is no object of a bucket known here", r.Resource)
	}
	key := bucket.Key
	if r.Action == "s3:PutObject" {
		if named := r.keys.get("s3:x-amz-server-side-encryption-aws-kms-key-id"); len(named) > 0 {
			key = named[0]
		} else if algorithm := r.keys.get("s3:x-amz-server-side-encryption"); len(algorithm) > 0 && algorithm[0] == "AES256" {
			key = ""
		}
	}
	if behind, ok := p.Aliases[key]; ok {
		key = behind
	}
	return key, bucket, nil
}

// forKey is the request to KMS: of the caller, but made by S3, so that what is
// known of the network isn't known of it. The encryption context is the
// object's ARN, with an S3 Bucket Key the bucket's ("Reducing the cost of
// SSE-KMS with Amazon S3 Bucket Keys").
func (r Request) forKey(action, key string, bucket *Bucket) Request {
	encrypted := r.Resource
	if bucket.BucketKey {
		encrypted, _, _ = strings.Cut(r.Resource, "/")
	}
	use := Request{Principal: r.Principal, Action: action, Resource: key}
	for name, values := range r.keys {
		switch {
		case strings.HasPrefix(name, "aws:principal"), strings.HasPrefix(name, "aws:user") && name != "aws:useragent",
			name == "aws:sourcearn", name == "aws:sourceaccount", name == "aws:sourceorgid":
			use = use.With(name, values...)
		}
	}
	if r.Principal.service == "" {
		use = use.With("aws:ViaAWSService", "true")
	}
	return use.With("aws:SecureTransport", "true").
		With("kms:ViaService", "s3."+bucket.Region+".amazonaws.com").
		With("kms:EncryptionContext:aws:s3:arn", encrypted).
		With("kms:EncryptionContextKeys", "aws:s3:arn")
}
