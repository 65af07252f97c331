// Package fargate is what ECS Fargate offers and what the gateway asks of it:
// how large its tasks are, how many, and of which image. It knows nothing of
// CDK, so that an environment's file is judged by the same words as a
// construct's props, and makes nothing.
package fargate
