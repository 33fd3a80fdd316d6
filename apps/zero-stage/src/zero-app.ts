import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import {
    boolean,
    createBuilder,
    createSchema,
    defineQueries,
    defineQuery,
    json as jsonColumn,
    mustGetQuery,
    number,
    type ReadonlyJSONValue,
    string,
    table
} from '@rocicorp/zero';
import { handleQueryRequest } from '@rocicorp/zero/server';

const quake = table('quake')
    .columns({
        id: string(),
        network: string(),
        place: string(),
        magnitude: number(),
        time: number(),
        reviewed: boolean(),
        felt: number().optional(),
        position: jsonColumn<readonly number[]>()
    })
    .primaryKey('id');
const network = table('network')
    .columns({
        code: string(),
        type: string(),
        quakes: number(),
        strongest: number(),
        last: string().optional()
    })
    .primaryKey('code', 'type');

/** The same tables as clients know them. (Without `relationships` the type could not be written into declarations.) */
export const schema = createSchema({ tables: [quake, network], relationships: [] });
const builder = createBuilder(schema);

declare module '@rocicorp/zero' {
    interface DefaultTypes {
        schema: typeof schema;
    }
}

/** What clients may ask for. */
export const queries = defineQueries({
    quakes: defineQuery(() => builder.quake.orderBy('id', 'asc')),
    networks: defineQuery(() => builder.network.orderBy('code', 'asc'))
});

/** The application's server that tells zero-cache what its clients' named queries are. */
export class QueryServer {
    /** Whether it answers as it should, or with status 503, like one that is being replaced. */
    isUp = true;
    readonly #http = createServer((request, response) => {
        this.#answer(request).then(
            answer => response.setHeader('content-type', 'application/json').end(JSON.stringify(answer)),
            () => response.writeHead(503).end()
        );
    });

    static async start(): Promise<QueryServer> {
        const server = new QueryServer();
        await once(server.#http.listen(0, '127.0.0.1'), 'listening');
        return server;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/query`;
    }

    async stop(): Promise<void> {
        const closed = once(this.#http, 'close');
        this.#http.close();
        this.#http.closeAllConnections();
        await closed;
    }

    async #answer(request: IncomingMessage): Promise<unknown> {
        const body: unknown = await json(request);
        if (!this.isUp) {
            throw new Error('The server is not up.');
        }
        return handleQueryRequest({
            handler: (name, args) => mustGetQuery(queries, name).fn({ args, ctx: undefined }),
            schema,
            userID: null,
            query: new URL(request.url ?? '/', 'http://query-server').searchParams,
            body: body as ReadonlyJSONValue
        });
    }
}
