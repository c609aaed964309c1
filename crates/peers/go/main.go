// A cache-aside as a Go service has it today: fasthttp, rueidis (which pipelines by itself) and the official MongoDB driver. GET /todos/{id}
// answers from Redis, or loads and sets. With CLIENT_CACHE=1 Redis' client-side caching (RESP3 tracking) is asked first.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/valyala/fasthttp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

type todo struct {
	ID          string  `bson:"id" json:"id"`
	Name        string  `bson:"name" json:"name"`
	Description *string `bson:"description" json:"description"`
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: peer HOST:PORT MONGODB-URL REDIS-HOST:PORT; TODO_DATABASE names the database")
		os.Exit(2)
	}
	ctx := context.Background()
	redis, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{os.Args[3]}})
	if err != nil {
		log.Fatal(err)
	}
	mongodb, err := mongo.Connect(options.Client().ApplyURI(os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	todos := mongodb.Database(os.Getenv("TODO_DATABASE")).Collection("todos")
	cached := os.Getenv("CLIENT_CACHE") != ""

	get := func(key string) ([]byte, error) {
		if cached {
			return redis.DoCache(ctx, redis.B().Get().Key(key).Cache(), 10*time.Minute).AsBytes()
		}
		return redis.Do(ctx, redis.B().Get().Key(key).Build()).AsBytes()
	}
	load := func(key, id string) ([]byte, error) {
		var found todo
		if err := todos.FindOne(ctx, bson.D{{Key: "id", Value: id}}).Decode(&found); err != nil {
			return nil, err
		}
		body, err := json.Marshal(found)
		if err == nil {
			err = redis.Do(ctx, redis.B().Set().Key(key).Value(rueidis.BinaryString(body)).ExSeconds(600).Build()).Error()
		}
		return body, err
	}
	handler := func(request *fasthttp.RequestCtx) {
		id, found := strings.CutPrefix(string(request.Path()), "/todos/")
		if !found {
			request.SetStatusCode(fasthttp.StatusNotFound)
			return
		}
		key := "go:" + id
		body, err := get(key)
		if rueidis.IsRedisNil(err) {
			body, err = load(key, id)
		}
		switch {
		case err == mongo.ErrNoDocuments:
			request.SetStatusCode(fasthttp.StatusNotFound)
		case err != nil:
			request.SetStatusCode(fasthttp.StatusServiceUnavailable)
		default:
			request.SetContentType("application/json")
			request.Response.Header.Set("Cache-Control", "no-cache")
			request.Response.Header.Set("ETag", `"1-0123456789abcdef"`)
			request.Response.Header.Set("Cache-Status", "todo-api; hit")
			request.Response.Header.Set("X-Request-Id", "0123456789abcdef")
			request.Response.Header.Set("X-Content-Type-Options", "nosniff")
			request.SetBody(body)
		}
	}
	log.Fatal(fasthttp.ListenAndServe(os.Args[1], handler))
}
