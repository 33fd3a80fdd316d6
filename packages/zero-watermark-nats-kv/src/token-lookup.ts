import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type { Deadline } from '@cbnsndwch/zero-contracts/backend';

import type { Bucket } from './bucket.js';
import type { StoredMessage } from './jetstream-answers.js';
import { missingOf, type NewToken, type Placement } from './new-token.js';
import { attemptMs, type RecordStore } from './record-store.js';
import { RequestFailure } from './requester.js';
import { readToken } from './stored-token.js';

/** Reads that are under way at once when many tokens are looked up. */
const PARALLEL_READS = 256;

/** From so many tokens on it pays to ask for those behind the first one together. */
const MANY = 16;

/** Looks up tokens that may be stored already. */
export class TokenLookup {
    readonly #bucket: Bucket;
    readonly #store: RecordStore;
    #readsBatches: boolean;

    constructor(bucket: Bucket, store: RecordStore) {
        this.#bucket = bucket;
        this.#store = store;
        this.#readsBatches = bucket.allowDirect;
    }

    /**
     * Enters in `found` what is there.
     *
     * @throws {WatermarkError} `CORRUPT_RECORD`, and as any read does
     */
    async find(tokens: readonly NewToken[], found: Map<string, Placement>, deadline: Deadline): Promise<void> {
        await this.#findFollowing(tokens, found, deadline);
        const missing = missingOf(tokens, found);
        for (let start = 0; start < missing.length; start += PARALLEL_READS) {
            await Promise.all(
                missing.slice(start, start + PARALLEL_READS).map(token => this.#findOne(token, found, deadline))
            );
        }
    }

    /**
     * Finds many tokens with two requests where they stand one behind the other, as those that are asked for again do.
     *
     * The leader says where the first one is. What is behind it may then be read from any replica, however late: messages
     * never change, and are removed only from the beginning of the stream, so while that one is there, all of them are.
     */
    async #findFollowing(
        tokens: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline
    ): Promise<void> {
        const [first, ...others] = tokens;
        if (first === undefined || others.length < MANY || !this.#readsBatches) {
            return;
        }
        await this.#findOne(first, found, deadline);
        const wanted = new Map(others.map(token => [this.#subjectOf(token.key), token]));
        let from = (found.get(first.key)?.sequence ?? Infinity) + 1;
        try {
            while (Number.isFinite(from) && wanted.size > 0) {
                const { stream } = this.#bucket;
                const messages = await this.#store.js.getBatchDirect(stream, from, wanted.size, attemptMs(deadline));
                this.#readsBatches = messages !== undefined;
                const before = wanted.size;
                for (const message of messages ?? []) {
                    const token = wanted.get(message.subject);
                    if (token !== undefined) {
                        wanted.delete(message.subject);
                        this.#noteFound(token, message, found);
                    }
                }
                if (wanted.size === before) {
                    return;
                }
                from = (messages?.at(-1)?.sequence ?? Infinity) + 1;
            }
        } catch (error) {
            if (!(error instanceof RequestFailure)) {
                throw error;
            }
            // Not permitted, or not allowed by the bucket: one by one is as good, and takes longer.
            this.#readsBatches = error.kind !== 'not-permitted' && error.kind !== 'no-responders';
        }
    }

    async #findOne(token: NewToken, found: Map<string, Placement>, deadline: Deadline): Promise<void> {
        const message = await this.#store.read({ last_by_subj: this.#subjectOf(token.key) }, deadline);
        if (message !== null) {
            this.#noteFound(token, message, found);
        }
    }

    #noteFound(
        { key, entry, resumeToken, importedAs }: NewToken,
        message: StoredMessage,
        found: Map<string, Placement>
    ) {
        const { sequence, data } = message;
        const isSame = Buffer.compare(data, entry.payload) === 0;
        const there = isSame ? undefined : readToken(key, sequence, data);
        if (!isSame && there?.resumeToken !== resumeToken) {
            throw new WatermarkError(
                WatermarkErrorCode.CORRUPT_RECORD,
                `The entry ${key} of the KV bucket "${this.#bucket.name}" at revision ` +
                    `${sequence} does not hold the token that it is the key of.`,
                { remediation: 'Something else writes to this bucket; keep it from doing so.' }
            );
        }
        const watermark = there?.imported === true ? there.watermark : undefined;
        found.set(key, { sequence, isNew: false, importedAs: isSame ? importedAs : watermark });
    }

    #subjectOf(key: string): string {
        return this.#bucket.subjectPrefix + key;
    }
}
