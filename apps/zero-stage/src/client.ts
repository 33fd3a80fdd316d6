import { EventEmitter, setMaxListeners } from 'node:events';

import { Zero } from '@rocicorp/zero';
import { WebSocket } from 'ws';

import { changesBetween, type RowChange } from './row-changes.js';
import type { QuakeRow, Rows } from './rows.js';
import { Signal } from './signal.js';
import { queries, schema } from './zero-app.js';

interface ClientEvents {
    /** An earthquake has come, changed or gone. */
    quake: [RowChange<QuakeRow>];
    /** It has connected to zero-cache. */
    connected: [];
}

/** How long it leaves zero-cache alone that has refused it. */
const REFUSED_MS = 1_000;

/**
 * A real client of Zero that shows all rows, and goes on doing so whatever happens to zero-cache, like a page whose user
 * loads it anew when it says that something is wrong.
 */
export class Client extends EventEmitter<ClientEvents> {
    readonly #server: string;
    readonly #changed: Signal;
    readonly #complete = new Set<keyof Rows>();
    #zero: Zero;
    #rows: Rows = { quake: [], network: [] };
    #begun = 1;

    constructor(server: string, signal?: AbortSignal) {
        super();
        provideWebSocket();
        // Some more of Zero's background processes share an abort signal than Node finds usual, and warns of.
        setMaxListeners(30);
        this.#server = server;
        this.#changed = new Signal(
            signal,
            () => `Its connection: ${JSON.stringify(this.#zero.connection.state.current)}`
        );
        this.#zero = this.#begin();
    }

    /** All rows as they are now. */
    get rows(): Rows {
        return this.#rows;
    }

    /** How many rows there are. */
    get size(): number {
        return this.#rows.quake.length + this.#rows.network.length;
    }

    get isConnected(): boolean {
        return this.#zero.connection.state.current.name === 'connected';
    }

    /** Whether zero-cache has refused it, so that it rests for a moment. */
    get isRefused(): boolean {
        return this.#zero.connection.state.current.name === 'error';
    }

    /** Whether it has had all that there was when it asked. */
    get isComplete(): boolean {
        return this.#complete.size === Object.keys(this.#rows).length;
    }

    /** How often it has begun: once, and again each time that zero-cache did not know it any more. */
    get begun(): number {
        return this.#begun;
    }

    /** Resolves when the rows are as wanted. */
    until(what: string, condition: () => boolean, timeoutMs = 60_000): Promise<void> {
        return this.#changed.until(`the client to see ${what}`, condition, timeoutMs);
    }

    async stop(): Promise<void> {
        await this.#zero.close();
    }

    #begin(): Zero {
        const beginAnew = () => void this.#beginAnew(zero);
        const zero = new Zero({
            server: this.#server,
            schema,
            kvStore: 'mem',
            logSink: { log() {} },
            // By default, Zero has the browser load the page anew then. In Node it does nothing, and never connects again.
            onClientStateNotFound: beginAnew,
            onUpdateNeeded: beginAnew
        });
        zero.connection.state.subscribe(({ name }) => {
            this.#changed.give();
            if (name === 'connected') {
                this.emit('connected');
            } else if (name === 'error') {
                // It waits to be told to try again.
                setTimeout(() => void zero.connection.connect(), REFUSED_MS).unref();
            }
        });
        zero.materialize(queries.quakes()).addListener((rows, type) => {
            if (type === 'complete') {
                this.#quakesChanged(rows);
            }
        });
        zero.materialize(queries.networks()).addListener((rows, type) => {
            if (type === 'complete') {
                this.#take('network', rows);
            }
        });
        return zero;
    }

    /** The rows stay as they are until all of them have come again. */
    async #beginAnew(last: Zero): Promise<void> {
        this.#begun += 1;
        this.#zero = this.#begin();
        await last.close();
    }

    #quakesChanged(quake: readonly QuakeRow[]): void {
        const before = this.#rows.quake;
        this.#take('quake', quake);
        for (const change of changesBetween(before, quake, ({ id }) => id)) {
            this.emit('quake', change);
        }
    }

    #take<Table extends keyof Rows>(table: Table, rows: Rows[Table]): void {
        this.#rows = { ...this.#rows, [table]: rows };
        this.#complete.add(table);
        this.#changed.give();
    }
}

/** The client takes it from the browser; Node has one from 22 on. */
function provideWebSocket(): void {
    const global: { WebSocket?: unknown } = globalThis;
    global.WebSocket ??= class extends WebSocket {
        constructor(address: string | URL, protocols?: string | string[]) {
            super(address, protocols);
            // Browsers don't end the program for it either; the client hears of it by `close`.
            this.on('error', () => {});
        }
    };
}
