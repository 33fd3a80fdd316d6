import {
    type AdvanceResult,
    type ExportLines,
    type ExportResumeTokensOptions,
    type ImportResumeTokensReport,
    type LexiVersion,
    type ResumePoint,
    ResumeTokenService,
    type ShardHead,
    type Watermark,
    type WatermarkEvent,
    WatermarkService,
    type WatchAllOptions,
    type WatchOptions
} from '@cbnsndwch/zero-contracts';
import { EventQueue } from '@cbnsndwch/zero-contracts/backend';

import type { RemoteCall } from './remote-store.js';

/** {@link WatermarkService} of a store in another process. Functions can't be handed over: `advance` has its own order. */
export class RemoteWatermarks extends WatermarkService {
    readonly #remote: RemoteCall;

    constructor(remote: RemoteCall) {
        super();
        this.#remote = remote;
    }

    override get = (key: string) => this.#call<Watermark | null>('get', key);
    override set = (key: string, version: string, data?: Record<string, unknown>) =>
        this.#call<void>('set', key, version, data);
    override delete = (key: string) => this.#call<void>('delete', key);
    override clear = () => this.#call<void>('clear');
    override getAll = () => this.#call<Map<string, Watermark>>('getAll');
    override getMany = (keys: Iterable<string>) => this.#call<Map<string, Watermark>>('getMany', [...keys]);
    override create = (key: string, version: string, data?: Record<string, unknown>) =>
        this.#call<number>('create', key, version, data);
    override compareAndSet = (key: string, revision: number, version: string, data?: Record<string, unknown>) =>
        this.#call<number>('compareAndSet', key, revision, version, data);
    override advance = (key: string, version: string, data?: Record<string, unknown>) =>
        this.#call<AdvanceResult>('advance', key, version, data);
    override history = (key: string) => this.#call<readonly Watermark[]>('history', key);
    override close = () => this.#call<void>('close');

    override view = (): never => {
        throw new Error('A view is in the memory of its process.');
    };

    override async watch(
        key: string,
        callback: (watermark: Watermark) => void,
        { includeCurrent = false, onDelete }: WatchOptions = {}
    ): Promise<() => void> {
        let active = true;
        const { id, answer } = this.#remote('watermarks.watch', [key, includeCurrent], {
            event: event => {
                const seen = event as WatermarkEvent;
                if (active && seen.type === 'set') {
                    callback(seen.watermark);
                } else if (active && seen.type === 'delete') {
                    onDelete?.(seen);
                }
            }
        });
        await answer;
        return () => {
            active = false;
            void this.#remote('end', [id]).answer;
        };
    }

    override async *watchAll({ signal, ...options }: WatchAllOptions = {}): AsyncGenerator<WatermarkEvent> {
        const events = new EventQueue<WatermarkEvent>();
        let failure: Error | undefined;
        const { id, answer } = this.#remote('watermarks.watchAll', [options], {
            event: event => events.push(event as WatermarkEvent),
            ended: error => {
                failure = error;
                events.end();
            }
        });
        const stop = () => events.end();
        signal?.addEventListener('abort', stop, { once: true });
        try {
            await answer;
            if (signal?.aborted !== true) {
                yield* events.drain();
            }
        } finally {
            signal?.removeEventListener('abort', stop);
            void this.#remote('end', [id]).answer;
        }
        if (failure !== undefined) {
            throw failure;
        }
    }

    #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
        return this.#remote(`watermarks.${method}`, args).answer as Promise<T>;
    }
}

/** {@link ResumeTokenService} of a store in another process. */
export class RemoteResumeTokens extends ResumeTokenService {
    readonly #remote: RemoteCall;

    constructor(remote: RemoteCall) {
        super();
        this.#remote = remote;
    }

    override getOrCreateWatermark = (shardId: string, resumeToken: string) =>
        this.#call<LexiVersion>('getOrCreateWatermark', shardId, resumeToken);
    override getOrCreateWatermarks = (shardId: string, resumeTokens: readonly string[]) =>
        this.#call<LexiVersion[]>('getOrCreateWatermarks', shardId, resumeTokens);
    override getResumeToken = (shardId: string, watermark: LexiVersion) =>
        this.#call<string | undefined>('getResumeToken', shardId, watermark);
    override resume = (shardId: string, watermark: LexiVersion | undefined) =>
        this.#call<ResumePoint>('resume', shardId, watermark);
    override beginSync = (shardId: string, resumeToken: string) =>
        this.#call<LexiVersion>('beginSync', shardId, resumeToken);
    override acknowledge = (shardId: string, watermark: LexiVersion) =>
        this.#call<void>('acknowledge', shardId, watermark);
    override abandon = (shardId: string) => this.#call<void>('abandon', shardId);
    override clear = () => this.#call<void>('clear');
    override head = (shardId: string) => this.#call<ShardHead | null>('head', shardId);
    override provision = (shardIds: readonly string[]) => this.#call<void>('provision', shardIds);
    override close = () => this.#call<void>('close');

    override async *exportWatermarks(options?: ExportResumeTokensOptions): AsyncGenerator<string> {
        yield* await this.#call<string[]>('exportWatermarks', options);
    }

    override async importWatermarks(lines: ExportLines): Promise<ImportResumeTokensReport> {
        const pieces: (string | Uint8Array)[] = [];
        for await (const piece of typeof lines === 'string' || lines instanceof Uint8Array ? [lines] : lines) {
            pieces.push(piece);
        }
        return this.#call<ImportResumeTokensReport>('importWatermarks', pieces);
    }

    #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
        return this.#remote(`resumeTokens.${method}`, args).answer as Promise<T>;
    }
}
