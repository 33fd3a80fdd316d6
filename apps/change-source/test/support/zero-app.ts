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
    table,
    Zero
} from '@rocicorp/zero';
import { handleQueryRequest } from '@rocicorp/zero/server';
import { WebSocket } from 'ws';

import type { QuakeRow } from './rows.js';
import { Signal } from './signal.js';

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
const schema = createSchema({ tables: [quake] });
const builder = createBuilder(schema);

declare module '@rocicorp/zero' {
    interface DefaultTypes {
        schema: typeof schema;
    }
}

const queries = defineQueries({ quakes: defineQuery(() => builder.quake.orderBy('id', 'asc')) });

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

/** A real client of Zero that shows all earthquakes. */
export class Client {
    rows: readonly QuakeRow[] = [];
    isComplete = false;
    readonly #zero;
    readonly #view;
    readonly #changed = new Signal();

    constructor(server: string) {
        provideWebSocket();
        this.#zero = new Zero({ server, schema, kvStore: 'mem', logSink: { log() {} } });
        this.#view = this.#zero.materialize(queries.quakes());
        this.#view.addListener((rows, type) => {
            // The view changes its rows in place.
            this.rows = structuredClone(rows);
            this.isComplete = type === 'complete';
            this.#changed.give();
        });
    }

    /** Resolves when the rows are as wanted. */
    until(what: string, condition: () => boolean, timeoutMs = 60_000): Promise<void> {
        return this.#changed.until(`the client to see ${what}`, condition, timeoutMs);
    }

    async stop(): Promise<void> {
        this.#view.destroy();
        await this.#zero.close();
    }
}

/** The client takes it from the browser; Node has one from 22 on. */
function provideWebSocket(): void {
    globalThis.WebSocket ??= class extends WebSocket {
        constructor(address: string | URL, protocols?: string | string[]) {
            super(address, protocols);
            // Browsers don't end the program for it either; the client hears of it by `close`.
            this.on('error', () => {});
        }
    } as unknown as typeof globalThis.WebSocket;
}
