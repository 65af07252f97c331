package settings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// ErrParameters is wrapped where SSM Parameter Store can't be read.
var ErrParameters = errors.New("settings can't be read from SSM Parameter Store")

// Parameters reads settings from SSM Parameter Store: the parameters right
// below a path such as /signgate/prod, each named like the setting, with
// hyphens or in camelCase (/signgate/prod/cdn-url), of type String or
// StringList. A SecureString is refused: no setting is a secret, and whoever
// keeps one there has mistaken something; the gateway so needs no right to
// decrypt. The role needs ssm:GetParametersByPath on the path. Errors wrap
// ErrParameters or ErrInvalid.
func Parameters(ctx context.Context, client ssm.GetParametersByPathAPIClient, path string) (kong.Resolver, error) {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
		return nil, fmt.Errorf("%w: the path must be such as /signgate/prod", ErrInvalid)
	}
	values := map[string]any{}
	pages := ssm.NewGetParametersByPathPaginator(client, &ssm.GetParametersByPathInput{Path: &path})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrParameters, path, err)
		}
		for _, parameter := range page.Parameters {
			name := aws.ToString(parameter.Name)
			if parameter.Type == types.ParameterTypeSecureString {
				return nil, fmt.Errorf("%w: %s is a SecureString; settings hold no secrets, make it a String", ErrInvalid, name)
			}
			setting := camelCase(name[strings.LastIndexByte(name, '/')+1:])
			if _, twice := values[setting]; twice {
				return nil, fmt.Errorf("%w: there are two parameters of %s below %s", ErrInvalid, setting, path)
			}
			values[setting] = aws.ToString(parameter.Value)
		}
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%w: there are no parameters right below %s", ErrInvalid, path)
	}
	return source{name: path, values: values}, nil
}
