import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import {
    boolean,
    createBuilder,
    createSchema,
    defineQueries,
    defineQuery,
    json,
    mustGetQuery,
    number,
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
        position: json<readonly number[]>()
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
export async function startQueryServer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
    const server = createServer((request, response) => {
        void (async () => {
            const chunks: Buffer[] = [];
            for await (const chunk of request) {
                chunks.push(chunk as Buffer);
            }
            const answer = await handleQueryRequest({
                handler: (name, args) => mustGetQuery(queries, name).fn({ args, ctx: undefined }),
                schema,
                userID: null,
                query: new URL(request.url ?? '/', 'http://query-server').searchParams,
                body: JSON.parse(Buffer.concat(chunks).toString('utf8'))
            });
            response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
        })();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/query`,
        async stop() {
            const closed = once(server, 'close');
            server.close();
            server.closeAllConnections();
            await closed;
        }
    };
}
