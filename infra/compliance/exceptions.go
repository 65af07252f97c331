package compliance

import "slices"

// Exceptions is the one list of what is left, and why.
func Exceptions() []Exception { return slices.Concat(ofDelivery(), ofCompute(), ofTasks()) }

// packs is a rule that three packs have.
func packs(rule string) []string {
	return []string{"NIST.800.53.R5-" + rule, "HIPAA.Security-" + rule, "PCI.DSS.321-" + rule}
}

// ofDelivery is what is left of bucket, distribution, network and logs.
func ofDelivery() []Exception {
	return []Exception{
		{
			Paths: []string{"/Delivery/Distribution/Resource"}, Rules: []string{"AwsSolutions-CFR3", "CKV_AWS_86"},
			Reason: "The rules know only CloudFront's first way of logging. Access logs are delivered by standard logging (v2), which is a resource of its own: AccessLogs.",
		},
		{
			Paths: []string{"/Delivery/Distribution/Resource"}, Rules: []string{"AwsSolutions-CFR4", "CKV_AWS_174"},
			Reason: "CloudFront's own certificate has no choice of TLS versions. With a domain of its own an environment has TLS 1.2 at least, and a test says so.",
		},
		{
			Paths: []string{"/Delivery/Distribution/Resource"}, Rules: []string{"AwsSolutions-CFR1", "AwsSolutions-CFR2", "CKV_AWS_68"},
			Reason: "From which countries may be read, and whether a firewall stands in front, is each environment's to say (delivery.geo, delivery.firewall). Every read needs a signature either way.",
		},
		{
			Paths: []string{"/Content/GatewayPolicy/Resource", "/Content/CopierPolicy/Resource"}, Rules: []string{"AwsSolutions-IAM5"}, OnlyResources: true,
			Reason: "The keys of objects aren't known before there are objects. The wildcard stands behind the ARN of one bucket, and every action is named.",
		},
		{
			Paths: []string{"/Trail/Deliver/Resource"}, Rules: []string{"AwsSolutions-IAM5"}, OnlyResources: true,
			Reason: "CloudTrail makes up the ends of its log streams' names. The wildcard stands behind the beginning that it documents, in one log group.",
		},
		{
			Paths: []string{"/AuditRecords/Deliver/Resource"}, Rules: []string{"AwsSolutions-IAM5"}, OnlyResources: true,
			Reason: "Data Firehose makes up the names of the files that it delivers. The wildcards stand behind the two folders of one bucket, and the one action is s3:PutObject.",
		},
		{
			Paths: []string{"/Network/LogFlows/Resource"}, Rules: []string{"AwsSolutions-IAM5"}, OnlyResources: true,
			Reason: "VPC flow logs make up the names of their log streams. The wildcard stands behind the ARN of one log group.",
		},
		{
			Paths: []string{"/Network/PublicRoute1", "/Network/PublicRoute2", "/Network/PublicRoute3"}, Rules: packs("VPCNoUnrestrictedRouteToIGW"),
			Reason: "Only NAT gateways are in subnets with that route, through which the gateway fetches its issuer's keys, and a load balancer where the gateway has one. An environment with neither has no such route.",
		},
		{
			Paths: []string{"/Network/Network"}, Rules: packs("VPCDefaultSecurityGroupClosed"),
			Reason: "Nothing is in the default security group. CloudFormation can't close it, and a function that could would need more permissions than it takes away.",
		},
		{
			Paths: []string{"/Logs/Bucket/Resource"}, Rules: packs("S3DefaultEncryptionKMS"),
			Reason: "S3 delivers server access logs only to a bucket whose default encryption is SSE-S3.",
		},
		{
			Paths: []string{"/Logs/Bucket/Resource", "/Trail/Bucket/Resource", "/AuditRecords/Bucket/Resource", "/Content/Backup/Resource"}, Rules: packs("S3BucketReplicationEnabled"),
			Reason: "A copy of a copy isn't kept, and logs are versioned and can't be deleted before they expire.",
		},
		{
			Paths: []string{"/Content/Bucket/Resource"}, Rules: packs("S3BucketReplicationEnabled"),
			Reason: "Whether everything is copied to a second bucket is each environment's to say (content.backup). Objects are versioned, and nobody deletes a version.",
		},
		{
			Paths: []string{"/Logs/Bucket/Resource"}, Rules: []string{"CKV_AWS_18"},
			Reason: "The bucket of access logs is where access is logged. Its own would land in it, and each delivery make another.",
		},
		{
			Paths: []string{"/Trail/Trail"}, Rules: []string{"CKV_AWS_67"},
			Reason: "The trail records what is done to the objects of one bucket, which S3 tells in the bucket's region. What is done elsewhere is for the account's own trail.",
		},
		{
			Paths: []string{"/Firewall/WebACL"}, Rules: []string{"CKV_AWS_192"},
			Reason: "Behind it are CloudFront and S3, and nothing that runs Log4j. AWS's rules for it would look at keys and queries that are signed.",
		},
		{
			Paths: providers("Handler"), Rules: []string{"CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117"},
			Reason: "CDK's own function carries names of resources from one region to the other during a deployment, which waits for it and fails with it. It needs no queue of what failed, no reserved share of the account's functions, and from a VPC it wouldn't reach CloudFormation.",
		},
		{
			Paths: providers("Handler"), Rules: []string{"W3005"},
			Reason: "CDK's own function names its role twice, as a reference and as what to wait for. The second says nothing new, and isn't ours to leave out.",
		},
	}
}

// ofTasks is what is left of the gateway on Fargate.
func ofTasks() []Exception {
	return []Exception{
		{
			Paths: []string{"/Gateway/LoadBalancer"}, Rules: append(packs("ELBLoggingEnabled"), "AwsSolutions-ELB2", "CKV_AWS_91"),
			Reason: "Access logs of a load balancer are whole addresses with their queries, which hold what lets their bearer upload, and keys of objects; nothing can be left out. The gateway's own log has a line for each request, by its route, and connections can be logged (gateway.fargate.connectionLogs).",
		},
		{
			Paths: []string{"/Gateway/LoadBalancer"}, Rules: packs("ALBWAFEnabled"),
			Reason: "Whether a firewall stands in front is each environment's to say (gateway.webAclArn). The gateway asks for a token with every request that gives anything out.",
		},
		{
			Paths: []string{"/Gateway/Callers"}, Rules: []string{"AwsSolutions-EC23"},
			Reason: "Callers are anywhere, as they are of the function's API; to HTTPS alone, and to the load balancer alone. An environment may name who they are (gateway.fargate.allowRanges).",
		},
		{
			Paths: []string{"/Gateway/Task"}, Rules: []string{"AwsSolutions-ECS2"},
			Reason: "The variables are names, paths and ranges of addresses, never a secret: settings are in Parameter Store, keys in Secrets Manager, and the gateway reads both itself.",
		},
		{
			Paths: []string{"/Gateway/Execution/Resource"}, Rules: []string{"AwsSolutions-IAM5"}, OnlyResources: true,
			Reason: "Entering Amazon ECR knows no resources. What is fetched is one repository's, and what is written one log group's.",
		},
	}
}

// providers are a part of each function that CDK adds where stacks of two
// regions refer to each other.
func providers(part string) []string {
	return []string{
		"/Custom::CrossRegionExportReaderCustomResourceProvider/" + part,
		"/Custom::CrossRegionExportWriterCustomResourceProvider/" + part,
	}
}

// ofCompute is what is left of the gateway and what it keeps.
func ofCompute() []Exception {
	return []Exception{
		{
			Paths: []string{"/Gateway/Route"}, Rules: []string{"AwsSolutions-APIG4"},
			Reason: "The gateway asks for tokens itself, and some of its operations take none: an authorizer in front would verify less, and twice.",
		},
		{
			Paths: []string{"/Gateway/Function/Resource", "/SigningKeys/Keygen/Resource"}, Rules: append(packs("LambdaConcurrency"), "CKV_AWS_115"),
			Reason: "Reserving takes from what the account's other functions have. For the gateway it is each environment's to say (gateway.concurrency), and its API is held to a rate; what makes keys is asked by CloudFormation, once for each.",
		},
		{
			Paths: []string{"/Gateway/Function/Resource", "/SigningKeys/Keygen/Resource"}, Rules: append(packs("LambdaDLQ"), "CKV_AWS_116"),
			Reason: "Lambda uses a dead-letter queue for asynchronous events. The gateway is invoked synchronously and its callers get the error; CloudFormation waits for the answer of what makes keys, and fails without.",
		},
		{
			Paths: []string{"/Gateway/Function/Resource", "/SigningKeys/Keygen/Resource"}, Rules: append(packs("LambdaInsideVPC"), "CKV_AWS_117"),
			Reason: "Everything that they reach is AWS's or the issuer's, over TLS; whether the gateway is in a VPC is each environment's to say (network). What makes keys has to reach CloudFormation, and may do nothing but change one secret.",
		},
		{
			Paths: []string{"/Gateway/Function/Resource"}, Rules: []string{"CKV_AWS_173"},
			Reason: "Its variables are names and paths, never a secret, and Lambda encrypts them at rest with a key of AWS's.",
		},
		{
			Paths: []string{"/Gateway/Permissions/Resource"}, Rules: []string{"CKV_AWS_111"},
			Reason: "A function in a VPC makes network interfaces, for which EC2 knows no narrower resources. The function's own code is denied them.",
		},
		{
			Paths: []string{"/Gateway/Permissions/Resource"}, Rules: []string{"AwsSolutions-IAM5"}, OnlyResources: true,
			Reason: "X-Ray and the network interfaces of functions in a VPC know no narrower resources. The function's own code is denied the latter, and every action is named.",
		},
		{
			Paths: []string{"/Tables/Grants/Resource", "/Tables/APIKeys/Resource", "/Tables/Audit/Resource"}, Rules: packs("DynamoDBInBackupPlan"),
			Reason: "Every table can be taken back to any second of the last 35 days (point-in-time recovery), and is protected from being deleted where the environment is to be kept.",
		},
		{
			Paths: []string{"/SigningKeys/Secret"}, Rules: append(packs("SecretsManagerRotationEnabled"), "AwsSolutions-SMG4"),
			Reason: "Secrets Manager would change the keys without asking whether the distribution knows them already. signgate keys rotate does, and waits until no URL needs the old one.",
		},
	}
}
