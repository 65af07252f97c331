package content_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/signgate/signgate/infra/content"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func withBackup(_ awscdk.Stack, p *content.Props) {
	p.Backup = &content.Backup{Glacier: 1, Expire: 365}
	p.Guard.Administrators = []string{keeper}
}

func TestEverythingIsCopiedAndNoDelete(t *testing.T) {
	template, made := synth(t, synthtest.NoFlags, withBackup)
	if made.Backup() == nil {
		t.Error("the backup can't be had")
	}
	backup, key := template.Only(t, "AWS::S3::Bucket", "ContentBackup"), template.Only(t, "AWS::KMS::Key", "ContentBackupKey")
	synthtest.Equal(t, "the replication", template.Only(t, "AWS::S3::Bucket", "ContentBucket").Get("ReplicationConfiguration"), any(map[string]any{
		"Role": "${" + template.Only(t, "AWS::IAM::Role", "ContentCopier").ID + ".Arn}",
		"Rules": []any{map[string]any{
			"Id": "backup", "Priority": 1.0, "Status": "Enabled", "Filter": map[string]any{"Prefix": ""},
			"DeleteMarkerReplication": map[string]any{"Status": "Disabled"},
			"Destination":             map[string]any{"Bucket": "${" + backup.ID + ".Arn}", "EncryptionConfiguration": map[string]any{"ReplicaKmsKeyID": "${" + key.ID + ".Arn}"}},
			"SourceSelectionCriteria": map[string]any{"SseKmsEncryptedObjects": map[string]any{"Status": "Enabled"}},
		}},
	}))
	synthtest.Equal(t, "the backup is versioned", backup.Get("VersioningConfiguration"), any(map[string]any{"Status": "Enabled"}))
	synthtest.Equal(t, "and moves to Glacier", backup.Get("LifecycleConfiguration", "Rules", 1, "Transitions", 0), any(map[string]any{"StorageClass": "GLACIER", "TransitionInDays": 1.0}))
	synthtest.Equal(t, "and nobody sees it", backup.Get("PublicAccessBlockConfiguration"), any(map[string]any{
		"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
	}))
}

func TestTheBackupIsWrittenByTheCopierAndReadByAdministratorsOnly(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, withBackup)
	statements, copier := bucketPolicy(t, template, "ContentBackup"), "${"+template.Only(t, "AWS::IAM::Role", "ContentCopier").ID+".Arn}"
	administrators := map[string][]string{"ArnNotLike aws:PrincipalArn": {keeper}}
	for sid, want := range map[string]synthtest.Statement{
		"OnlyAdministratorsRead": {Action: policy.Reading(), Condition: administrators},
		"OnlyAdministratorsList": {Action: policy.Listing(), Condition: administrators},
		"OnlyTheCopierWrites":    {Action: policy.Writing(), Condition: map[string][]string{"ArnNotLike aws:PrincipalArn": {copier}}},
		"NobodyDeletes":          {Action: []string{"s3:DeleteObject", "s3:ReplicateDelete"}},
		"NobodyErases":           {Action: policy.Erasing(), Condition: administrators},
	} {
		got := statements[sid]
		synthtest.Equal(t, sid, []any{got.Effect, got.Principal, got.Action, got.Condition}, []any{"Deny", []string{"*"}, sorted(want.Action), want.Condition})
	}
	for sid, statement := range statements {
		if statement.Effect != "Deny" {
			t.Errorf("%s lets somebody in", sid)
		}
	}
	key := synthtest.Statements(t, template.Only(t, "AWS::KMS::Key", "ContentBackupKey").Get("KeyPolicy"))
	synthtest.Equal(t, "for whom the backup's key encrypts", []any{key["EncryptsCopies"].Principal, key["EncryptsCopies"].Action}, []any{[]string{"AWS " + copier}, []string{"kms:Encrypt", "kms:GenerateDataKey"}})
	synthtest.Equal(t, "for whom it decrypts", key["DecryptsForAdministrators"].Condition["ArnLike aws:PrincipalArn"], []string{keeper})
	copies := synthtest.Statements(t, template.Only(t, "AWS::KMS::Key", "ContentKey").Get("KeyPolicy"))["DecryptsForBackup"]
	synthtest.Equal(t, "who decrypts what is copied", []any{copies.Principal, copies.Action}, []any{[]string{"AWS " + copier}, []string{"kms:Decrypt"}})
}

func TestTheCopierReadsVersionsAndWritesCopiesAndNothingElse(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, withBackup)
	bucket, backup := "${"+template.Only(t, "AWS::S3::Bucket", "ContentBucket").ID+".Arn}", "${"+template.Only(t, "AWS::S3::Bucket", "ContentBackup").ID+".Arn}"
	synthtest.Equal(t, "its policy", synthtest.Statements(t, template.Only(t, "AWS::IAM::ManagedPolicy", "ContentCopier").Get("PolicyDocument")), map[string]synthtest.Statement{
		"Copy":          permit(backup+"/*", "s3:ReplicateObject", "s3:ReplicateTags"),
		"FollowChanges": permit(bucket, "s3:GetReplicationConfiguration", "s3:ListBucket"),
		"ReadVersions":  permit(bucket+"/*", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetObjectVersionAcl"),
	})
	reads := bucketPolicy(t, template, "ContentBucket")["OnlyViewersRead"]
	synthtest.Equal(t, "who isn't refused", reads.Condition["ArnNotLike aws:PrincipalArn"], []string{"${Gateway43CB3636.Arn}", "${" + template.Only(t, "AWS::IAM::Role", "ContentCopier").ID + ".Arn}"})
}

func TestABackupWithoutKMSNeedsNoKey(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, func(stack awscdk.Stack, p *content.Props) {
		withBackup(stack, p)
		p.Encryption = content.S3Managed
	})
	if keys := template.Of("AWS::KMS::Key"); len(keys) != 0 {
		t.Errorf("there are %d keys", len(keys))
	}
	if criteria := template.Only(t, "AWS::S3::Bucket", "ContentBucket").Get("ReplicationConfiguration", "Rules", 0, "SourceSelectionCriteria"); criteria != nil {
		t.Errorf("it looks for objects under a key: %v", criteria)
	}
}
