import { setTimeout as wait } from 'node:timers/promises';

import { isWatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type { Logger } from '@nestjs/common';
import type { RawData, WebSocket } from 'ws';

import { committedWatermark } from '../protocol/acknowledgement.js';
import { resetRequired } from '../protocol/messages.js';
import { PositionLostError } from '../upstream/upstream-source.js';
import { streamChanges } from './change-stream.js';
import { Commits } from './commits.js';
import type { StreamContext } from './context.js';
import { sendInitialSync } from './initial-sync.js';
import { ConnectionGoneError, Outbox } from './outbox.js';
import { WatermarkOrderError } from './outgoing.js';
import { fingerprintIn, type GenerationPosition, parseResumeToken } from './resume-token.js';

/** zero-cache connects again at once, up to 40 times a second, so a connection that failed is held for a while first. */
const FAILURE_DELAY_MS = 1_000;

/** WebSocket's code for "I can't go on". */
const INTERNAL_ERROR = 1011;

/** What is wrong with a message may quote from it. */
const LONGEST_REASON = 300;

/** Serves one connection of a zero-cache. */
export class Session {
    readonly #context: StreamContext;
    readonly #socket: WebSocket;
    readonly #logger: Logger;
    readonly #gone = new AbortController();
    /** Whether the connection before this one failed at the same place. */
    readonly #isSecondTry: boolean;
    #misunderstood = false;

    constructor(context: Omit<StreamContext, 'outbox' | 'commits' | 'signal'>, socket: WebSocket, logger: Logger) {
        const commits = new Commits();
        this.#context = { ...context, outbox: new Outbox(socket), commits, signal: this.#gone.signal };
        this.#socket = socket;
        this.#logger = logger;
        const { shardId, request, orderFailures } = context;
        this.#isSecondTry = request.lastWatermark !== undefined && orderFailures.get(shardId) === request.lastWatermark;
        socket.on('message', data => this.#receive(data));
        socket.once('close', () => {
            this.#gone.abort();
            commits.close();
        });
    }

    /** Resolves when the work is done or the connection is gone; an error ends the connection and is logged. */
    async run(): Promise<void> {
        try {
            await this.#serve();
        } catch (error) {
            if (this.#gone.signal.aborted || error instanceof ConnectionGoneError) {
                return;
            }
            this.#logger.error(`${this.#name}: ${messageOf(error)}; the connection is closed.`);
            await wait(FAILURE_DELAY_MS, undefined, { ref: false });
            this.#socket.close(INTERNAL_ERROR, 'the change source failed; its log says why');
        }
    }

    async #serve(): Promise<void> {
        const { resumeTokens, shardId, request, fingerprint } = this.#context;
        const point = await resumeTokens.resume(shardId, request.lastWatermark);
        if (point.kind === 'initial-sync' || request.lastWatermark === undefined) {
            const { rows, watermark } = await sendInitialSync(this.#context);
            this.#logger.log(`${this.#name}: initial sync of ${rows} rows as ${watermark}`);
            return;
        }
        if (point.kind === 'reset-required') {
            return this.#reset(point.message);
        }
        const start = parseResumeToken(point.resumeToken);
        if (start === undefined) {
            return this.#reset('The resume token of its last watermark was not made by this change source.');
        }
        if (fingerprintIn(start.generation) !== fingerprint) {
            return this.#reset('The tables have changed since its initial sync.');
        }
        await this.#stream(start, request.lastWatermark);
    }

    async #stream(start: GenerationPosition, lastWatermark: string): Promise<void> {
        this.#logger.log(`${this.#name}: goes on after ${lastWatermark}`);
        try {
            await streamChanges(this.#context, start, lastWatermark);
        } catch (error) {
            if (this.#gone.signal.aborted || !this.#isForGood(error, lastWatermark)) {
                throw error;
            }
            // What this shard's watermarks stand for can't be read any more, by any instance.
            await this.#context.resumeTokens.abandon(this.#context.shardId);
            return this.#reset(messageOf(error));
        }
    }

    /**
     * Whether every other connection would end in the same way.
     *
     * No retry mends an order that is wrong: the token that comes too late has its watermark for good. But a connection
     * that zero-cache has left without anybody noticing sees a wrong order as well, when the instance that serves it now
     * has gone further, and the changes in between were written again since. So the order counts as wrong only when a
     * connection that was made after such a failure, for the same watermark, meets it too.
     */
    #isForGood(error: unknown, lastWatermark: string): boolean {
        if (!isOutOfOrder(error)) {
            return error instanceof PositionLostError;
        }
        const { orderFailures, shardId } = this.#context;
        orderFailures.set(shardId, lastWatermark);
        return this.#isSecondTry;
    }

    /**
     * Tells zero-cache to begin anew. It ends itself then, and with it the connection; closing it from here would only
     * make it connect again before it has ended.
     */
    async #reset(reason: string): Promise<void> {
        this.#logger.warn(`${this.#name}: needs a new initial sync. ${reason}`);
        await this.#context.outbox.send(resetRequired(reason));
    }

    #receive(data: RawData): void {
        let watermark: string | undefined;
        try {
            watermark = committedWatermark(Buffer.isBuffer(data) ? data.toString('utf8') : '');
        } catch (error) {
            this.#logMisunderstood(error);
        }
        if (watermark !== undefined) {
            this.#context.commits.note(watermark);
            this.#context.resumeTokens
                .acknowledge(this.#context.shardId, watermark)
                .catch((error: unknown) => this.#logger.warn(`${this.#name}: ${messageOf(error)}`));
        }
    }

    /** Once a connection: whoever sends nothing else must not fill the log. */
    #logMisunderstood(error: unknown): void {
        if (!this.#misunderstood) {
            this.#misunderstood = true;
            const reason = messageOf(error).slice(0, LONGEST_REASON);
            this.#logger.warn(`${this.#name}: a message was not understood, and all such are left out. ${reason}`);
        }
    }

    get #name(): string {
        return `zero-cache ${this.#context.shardId}`;
    }
}

function isOutOfOrder(error: unknown): boolean {
    return error instanceof WatermarkOrderError || isWatermarkError(error, WatermarkErrorCode.OUT_OF_ORDER);
}

function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
