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
	arn := func(service, region, account, resource string) string {
		return strings.Join([]string{"arn", s.in.Partition, service, region, account, resource}, ":")
	}
	named := func(property string) (string, error) {
		value, err := s.property(resource, property)
		if name, ok := value.(string); ok && err == nil {
			return name, nil
		}
		return s.Stack + "-" + id, err
	}
	here := func(service, resource string) string { return arn(service, s.Region, s.in.Account, resource) }
	switch kind {
	case "AWS::S3::Bucket":
		name, err := named("BucketName")
		name = strings.ToLower(name)
		regional := name + ".s3." + s.Region + "." + s.in.URLSuffix
		return map[string]string{"": name, "Arn": arn("s3", "", "", name), "RegionalDomainName": regional, "DomainName": name + ".s3." + s.in.URLSuffix}, err
	case "AWS::KMS::Key", "AWS::KMS::ReplicaKey":
		key := strings.Join([]string{hash[:8], hash[8:12], hash[12:16], hash[16:20], hash[20:32]}, "-")
		return map[string]string{"": key, "KeyId": key, "Arn": here("kms", "key/"+key)}, nil
	case "AWS::KMS::Alias":
		name, err := named("AliasName")
		return map[string]string{"": name}, err
	case "AWS::IAM::Role":
		name, err := named("RoleName")
		path, err2 := s.property(resource, "Path")
		return map[string]string{"": name, "Arn": arn("iam", "", s.in.Account, "role"+iamPath(path)+name), "RoleId": "AROA" + strings.ToUpper(hash[:16])}, cmp.Or(err, err2)
	case "AWS::IAM::ManagedPolicy":
		name, err := named("ManagedPolicyName")
		path, err2 := s.property(resource, "Path")
		policy := arn("iam", "", s.in.Account, "policy"+iamPath(path)+name)
		return map[string]string{"": policy, "PolicyArn": policy}, cmp.Or(err, err2)
	case "AWS::CloudFront::Distribution":
		distribution := "E" + strings.ToUpper(hash[:13])
		return map[string]string{"": distribution, "Id": distribution, "DomainName": "d" + hash[:13] + ".cloudfront.net"}, nil
	case "AWS::SecretsManager::Secret":
		name, err := named("Name")
		secret := here("secretsmanager", "secret:"+name+"-"+hash[:6])
		return map[string]string{"": secret, "Id": secret}, err
	case "AWS::EC2::VPCEndpoint":
		return map[string]string{"": "vpce-" + hash[:17], "Id": "vpce-" + hash[:17]}, nil
	case "AWS::EC2::VPC":
		return map[string]string{"": "vpc-" + hash[:17], "VpcId": "vpc-" + hash[:17]}, nil
	case "AWS::SNS::Topic":
		name, err := named("TopicName")
		return map[string]string{"": here("sns", name), "TopicArn": here("sns", name), "TopicName": name}, err
	case "AWS::DynamoDB::Table":
		name, err := named("TableName")
		return map[string]string{"": name, "Arn": here("dynamodb", "table/"+name)}, err
	case "AWS::Logs::LogGroup":
		name, err := named("LogGroupName")
		return map[string]string{"": name, "Arn": here("logs", "log-group:"+name+":*")}, err
	case "AWS::Backup::BackupVault":
		name, err := named("BackupVaultName")
		return map[string]string{"": name, "BackupVaultArn": here("backup", "backup-vault:"+name), "BackupVaultName": name}, err
	}
	return map[string]string{}, nil
}

func iamPath(path any) string {
	if text, ok := path.(string); ok {
		return text
	}
	return "/"
}
