import { EventEmitter, setMaxListeners } from 'node:events';

import { Zero } from '@rocicorp/zero';
import { WebSocket } from 'ws';

import { changesBetween, type RowChange } from './row-changes.js';
import type { NetworkRow, QuakeRow, Rows } from './rows.js';
import { Signal } from './signal.js';
import { queries, schema } from './zero-app.js';

interface ClientEvents {
    /** An earthquake has come, changed or gone. */
    quake: [RowChange<QuakeRow>];
    /** The connection to zero-cache was made or lost. */
    connection: [isConnected: boolean];
}

/** A real client of Zero that shows all rows. */
export class Client extends EventEmitter<ClientEvents> {
    readonly #zero;
    readonly #views;
    readonly #changed: Signal;
    readonly #complete = new Set<keyof Rows>();
    #rows: Rows = { quake: [], network: [] };
    #isConnected = false;

    constructor(server: string, signal?: AbortSignal) {
        super();
        provideWebSocket();
        // Some more of Zero's background processes share an abort signal than Node finds usual, and warns of.
        setMaxListeners(30);
        this.#changed = new Signal(signal);
        this.#zero = new Zero({ server, schema, kvStore: 'mem', logSink: { log() {} } });
        this.#zero.connection.state.subscribe(({ name }) => this.#connectionChanged(name === 'connected'));
        const quakes = this.#zero.materialize(queries.quakes());
        const networks = this.#zero.materialize(queries.networks());
        this.#views = [quakes, networks];
        quakes.addListener((rows, type) => this.#quakesChanged(rows, type === 'complete'));
        networks.addListener((rows, type) => this.#networksChanged(rows, type === 'complete'));
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
        return this.#isConnected;
    }

    /** Whether it has had all that there was when it asked. */
    get isComplete(): boolean {
        return this.#complete.size === this.#views.length;
    }

    /** Resolves when the rows are as wanted. */
    until(what: string, condition: () => boolean, timeoutMs = 60_000): Promise<void> {
        return this.#changed.until(`the client to see ${what}`, condition, timeoutMs);
    }

    async stop(): Promise<void> {
        this.#views.forEach(view => view.destroy());
        await this.#zero.close();
    }

    #quakesChanged(quake: readonly QuakeRow[], isComplete: boolean): void {
        const before = this.#rows.quake;
        this.#rows = { ...this.#rows, quake };
        this.#told('quake', isComplete);
        for (const change of changesBetween(before, quake, ({ id }) => id)) {
            this.emit('quake', change);
        }
    }

    #networksChanged(network: readonly NetworkRow[], isComplete: boolean): void {
        this.#rows = { ...this.#rows, network };
        this.#told('network', isComplete);
    }

    #told(table: keyof Rows, isComplete: boolean): void {
        if (isComplete) {
            this.#complete.add(table);
        }
        this.#changed.give();
    }

    #connectionChanged(isConnected: boolean): void {
        if (isConnected !== this.#isConnected) {
            this.#isConnected = isConnected;
            this.emit('connection', isConnected);
        }
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
