// Package signingkeys is the CDK construct of what a distribution trusts: the
// public halves of the signing keys, in slots, and the key group of them.
//
// CloudFront's public keys can't be changed, but CloudFormation believes that
// they can: it updates one in place, and the deployment fails
// (aws-cloudformation/cloudformation-coverage-roadmap#924). Here a key's
// logical id and name are made of its slot and its content, so that another
// key is always another resource. To rotate without a URL that dies early:
//
//  1. deploy with the new key in a second slot, beside the old one,
//  2. make the new slot the active one, so that the gateway signs with it,
//  3. wait for the longest life of a URL,
//  4. deploy without the old slot.
//
// NewTrust takes public keys that others have made, and refuses private ones.
// NewManaged has the keys made when they are deployed, by a function (keygen)
// that keeps the private halves in a secret; what CloudFormation, its templates
// and its outputs see are public halves only. A slot's key may be in KMS
// instead, where only the gateway signs with it: then the function reads its
// public half, and the secret says which key it is. When such a slot is gone
// its key is scheduled for deletion, or stays where everything is to be kept;
// CloudFormation gets there only after the function has let the slot go. There
// step 2 is the work of signgate keys rotate, and a step 4 that comes too early
// fails.
package signingkeys
