package policytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// attribute is a made-up but stable value for what only a deployment knows:
// "" is what Ref gives. Ids are derived from stack and logical id, so that two
// resources never share one.
func (s *stack) attribute(id, name string) (any, error) {
	resource, exists, err := s.resource(id)
	if err != nil || !exists {
		return nil, cmp.Or(err, fmt.Errorf("%s has no resource %s", s.Stack, id))
	}
	kind, _ := resource["Type"].(string)
	if kind == "Custom::CrossRegionExportReader" {
		return s.in.exported(name)
	}
	attributes, err := s.physical(kind, id, resource)
	if err != nil {
		return nil, err
	}
	if value, ok := attributes[name]; ok {
		return value, nil
	}
	return nil, fmt.Errorf("%s/%s (%s): its %q is to be given in Context.Values; known are %q",
		s.Stack, id, kind, name, slices.Sorted(maps.Keys(attributes)))
}

// physical lists Ref and attributes of the types that policies speak of.
func (s *stack) physical(kind, id string, resource map[string]any) (map[string]string, error) {
	sum := sha256.Sum256([]byte(s.Stack + "/" + id))
	hash := hex.EncodeToString(sum[:])
	switch kind { // what has no name
	case "AWS::KMS::Key", "AWS::KMS::ReplicaKey":
		key := strings.Join([]string{hash[:8], hash[8:12], hash[12:16], hash[16:20], hash[20:32]}, "-")
		return map[string]string{"": key, "KeyId": key, "Arn": s.arn("kms", "key/"+key)}, nil
	case "AWS::CloudFront::Distribution":
		distribution := "E" + strings.ToUpper(hash[:13])
		return map[string]string{"": distribution, "Id": distribution, "DomainName": "d" + hash[:13] + ".cloudfront.net"}, nil
	case "AWS::EC2::VPCEndpoint":
		return map[string]string{"": "vpce-" + hash[:17], "Id": "vpce-" + hash[:17]}, nil
	case "AWS::EC2::VPC":
		return map[string]string{"": "vpc-" + hash[:17], "VpcId": "vpc-" + hash[:17]}, nil
	}
	name, path := s.Stack+"-"+id, "/"
	for _, property := range []string{nameProperty(kind), "Path"} {
		given, err := s.property(resource, property)
		text, ok := given.(string)
		switch {
		case err != nil:
			return nil, err
		case !ok:
		case property == "Path":
			path = text
		default:
			name = text
		}
	}
	return s.named(kind, name, path, hash), nil
}

func nameProperty(kind string) string {
	if kind == "AWS::SecretsManager::Secret" {
		return "Name"
	}
	return kind[strings.LastIndex(kind, ":")+1:] + "Name" // BucketName, RoleName, ...
}

// named are the attributes of what has a name.
func (s *stack) named(kind, name, path, hash string) map[string]string {
	iam := strings.Join([]string{"arn", s.in.Partition, "iam", "", s.in.Account, ""}, ":")
	switch kind {
	case "AWS::S3::Bucket":
		name = strings.ToLower(name)
		return map[string]string{
			"": name, "Arn": "arn:" + s.in.Partition + ":s3:::" + name, "DomainName": name + ".s3." + s.in.URLSuffix,
			"RegionalDomainName": name + ".s3." + s.Region + "." + s.in.URLSuffix,
		}
	case "AWS::KMS::Alias":
		return map[string]string{"": name}
	case "AWS::IAM::Role":
		return map[string]string{"": name, "Arn": iam + "role" + path + name, "RoleId": "AROA" + strings.ToUpper(hash[:16])}
	case "AWS::IAM::ManagedPolicy":
		return map[string]string{"": iam + "policy" + path + name, "PolicyArn": iam + "policy" + path + name}
	case "AWS::SecretsManager::Secret":
		secret := s.arn("secretsmanager", "secret:"+name+"-"+hash[:6])
		return map[string]string{"": secret, "Id": secret}
	case "AWS::SNS::Topic":
		return map[string]string{"": s.arn("sns", name), "TopicArn": s.arn("sns", name), "TopicName": name}
	case "AWS::DynamoDB::Table":
		return map[string]string{"": name, "Arn": s.arn("dynamodb", "table/"+name)}
	case "AWS::KinesisFirehose::DeliveryStream":
		return map[string]string{"": name, "Arn": s.arn("firehose", "deliverystream/"+name)}
	case "AWS::Logs::LogGroup":
		return map[string]string{"": name, "Arn": s.arn("logs", "log-group:"+name+":*")}
	case "AWS::Backup::BackupVault":
		return map[string]string{"": name, "BackupVaultName": name, "BackupVaultArn": s.arn("backup", "backup-vault:"+name)}
	}
	return nil
}

// arn of something in the stack's account and region.
func (s *stack) arn(service, resource string) string {
	return strings.Join([]string{"arn", s.in.Partition, service, s.Region, s.in.Account, resource}, ":")
}
