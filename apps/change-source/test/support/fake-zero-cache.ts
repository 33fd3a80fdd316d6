import { Signal } from '@cbnsndwch/zero-stage';
import { v0 } from '@rocicorp/zero/change-protocol/v0';
import { WebSocket } from 'ws';

/** A transaction as it came. */
export interface ReceivedTransaction {
    readonly watermark: string;
    readonly changes: readonly v0.Data[1][];
}

/** How a {@link FakeZeroCache} behaves. */
export interface FakeZeroCacheOptions {
    readonly parameters?: Readonly<Record<string, string>>;
    /** Whether it acknowledges what it gets. @default true */
    readonly acknowledges?: boolean;
}

/** One connection as zero-cache makes it, for what the real one can't be made to do. Each message must be the protocol's. */
export class FakeZeroCache {
    readonly transactions: ReceivedTransaction[] = [];
    /** Reasons for which it was told to begin anew. */
    readonly resets: string[] = [];
    /** The rows by table and key, as a replica has them after all transactions. */
    readonly rows = new Map<string, Map<string, unknown>>();
    readonly socket: WebSocket;
    isClosed = false;
    readonly #changed = new Signal();
    readonly #acknowledges: boolean;
    #open: { watermark: string; changes: v0.Data[1][] } | undefined;

    constructor(url: string, { parameters = {}, acknowledges = true }: FakeZeroCacheOptions = {}) {
        const query = new URLSearchParams({ appID: 'zero', shardNum: '0', ...parameters });
        this.#acknowledges = acknowledges;
        this.socket = new WebSocket(`${url}?${query}`);
        this.socket.on('error', () => {});
        this.socket.on('message', data => this.#receive((data as Buffer).toString('utf8')));
        this.socket.on('close', () => {
            this.isClosed = true;
            this.#changed.give();
        });
    }

    /** Resolves with a whole initial sync: its rows and its watermark. */
    static async initialSync(url: string, parameters: Readonly<Record<string, string>> = {}): Promise<FakeZeroCache> {
        const zeroCache = new FakeZeroCache(url, { parameters, acknowledges: false });
        await zeroCache.until('the initial sync', () => zeroCache.transactions.length === 1);
        zeroCache.close();
        return zeroCache;
    }

    /** Goes on after a watermark. */
    static after(url: string, lastWatermark: string, options: FakeZeroCacheOptions = {}): FakeZeroCache {
        const parameters = { ...options.parameters, lastWatermark, replicaVersion: lastWatermark };
        return new FakeZeroCache(url, { ...options, parameters });
    }

    /** The watermark of the last transaction; empty when there was none. */
    get last(): string {
        return this.transactions.at(-1)?.watermark ?? '';
    }

    until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
        return this.#changed.until(what, condition, timeoutMs);
    }

    /** Resolves when so many changes have come in all. */
    changes(count: number): Promise<void> {
        const sum = () => this.transactions.reduce((total, { changes }) => total + changes.length, 0);
        return this.until(`${count} changes`, () => sum() >= count);
    }

    acknowledge(watermark: string): void {
        this.send(['status', { tag: 'commit' }, { watermark }]);
    }

    send(message: v0.ChangeSourceUpstream): void {
        this.socket.send(JSON.stringify(message));
    }

    close(): void {
        this.socket.terminate();
    }

    #receive(text: string): void {
        const message = v0.changeStreamMessageSchema.parse(JSON.parse(text));
        switch (message[0]) {
            case 'begin':
                this.#open = { watermark: message[2].commitWatermark, changes: [] };
                break;
            case 'data':
                this.#open?.changes.push(message[1]);
                break;
            case 'commit':
                this.#commit(message[2].watermark);
                break;
            case 'control':
                this.resets.push(message[1].message ?? '');
                break;
            default:
                throw new Error(`Unexpected: ${text}`);
        }
        this.#changed.give();
    }

    #commit(watermark: string): void {
        const transaction = this.#open;
        if (transaction?.watermark !== watermark) {
            throw new Error(`The transaction began as ${transaction?.watermark} and ends as ${watermark}`);
        }
        this.#open = undefined;
        this.transactions.push(transaction);
        transaction.changes.forEach(change => this.#apply(change));
        if (this.#acknowledges) {
            this.acknowledge(watermark);
        }
    }

    #apply(change: v0.Data[1]): void {
        if (change.tag !== 'insert' && change.tag !== 'delete') {
            return;
        }
        const { name, rowKey } = change.relation;
        const row = change.tag === 'insert' ? change.new : change.key;
        const key = JSON.stringify(rowKey.columns.map(column => row[column]));
        const rows = this.rows.get(name) ?? new Map<string, unknown>();
        this.rows.set(name, rows);
        if (change.tag === 'insert') {
            rows.set(key, row);
        } else {
            rows.delete(key);
        }
    }
}
