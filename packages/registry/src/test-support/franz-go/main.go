// The life of a subject, through franz-go's registry client: prints what each call answered, as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	first  = `{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}`
	second = `{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"int","default":0}]}`
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// refusal is the error code of an answer that has to be one.
func refusal[T any](value T, err error) any {
	var refused *sr.ResponseError
	if !errors.As(err, &refused) {
		return fmt.Sprintf("%v, %v", value, err)
	}
	return refused.ErrorCode
}

// Arguments: the registry's address, and the context that all calls are for, if any.
func main() {
	client := must(sr.NewClient(sr.URLs(os.Args[1])))
	ctx := context.Background()
	if len(os.Args) > 2 {
		ctx = sr.InContext(ctx, os.Args[2])
	}
	subject := "go-value"
	schema := func(text string) sr.Schema { return sr.Schema{Schema: text, Type: sr.TypeAvro} }
	created := must(client.CreateSchema(ctx, subject, schema(first)))
	next := must(client.CreateSchema(ctx, subject, schema(second)))
	answers := map[string]any{
		"created":            []any{created.Subject, created.Version, next.Version, next.ID > created.ID},
		"found":              must(client.LookupSchema(ctx, subject, schema(first))).ID == created.ID,
		"by id":              must(client.SchemaByID(ctx, next.ID)).Schema,
		"subjects of the id": must(client.SubjectsByID(ctx, next.ID)),
		"versions":           must(client.SubjectVersions(ctx, subject)),
		"latest":             must(client.SchemaByVersion(ctx, subject, -1)).Version,
		"compatible":         must(client.CheckCompatibility(ctx, subject, -1, schema(`"int"`))).Is,
		"missing version":    refusal(client.SchemaByVersion(ctx, subject, 9)),
		"missing subject":    refusal(client.SubjectVersions(ctx, "nowhere")),
		"not soft-deleted":   refusal(client.DeleteSubject(ctx, subject, sr.HardDelete)),
		"level":              client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFull}, subject)[0].Level.String(),
		"read-only":          client.SetMode(ctx, sr.ModeReadOnly, subject)[0].Mode.String(),
		"while read-only":    refusal(client.CreateSchema(ctx, subject, schema(`"int"`))),
		"mode before":        client.ResetMode(ctx, subject)[0].Mode.String(),
		"deleted":            must(client.DeleteSubject(ctx, subject, sr.SoftDelete)),
		"registered again":   must(client.CreateSchema(ctx, subject, schema(first))).Version,
		"with deleted":       must(client.SubjectVersions(sr.WithParams(ctx, sr.ShowDeleted), subject)),
	}
	fmt.Println(string(must(json.Marshal(answers))))
}
