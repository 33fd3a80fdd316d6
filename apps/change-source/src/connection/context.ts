import type { ResumeTokenService } from '@cbnsndwch/zero-contracts';

import type { StreamRequest } from '../protocol/stream-request.js';
import type { TableSchema } from '../schema/schema.js';
import type { UpstreamSource } from '../upstream/upstream-source.js';
import type { Commits } from './commits.js';
import type { IntakeOptions } from './intake.js';
import type { Outbox } from './outbox.js';

/** What serving one connection takes. */
export interface StreamContext {
    readonly source: UpstreamSource;
    readonly resumeTokens: ResumeTokenService;
    readonly request: StreamRequest;
    readonly shardId: string;
    /** The tables that this zero-cache gets, and their fingerprint. */
    readonly tables: ReadonlyMap<string, TableSchema>;
    readonly fingerprint: string;
    readonly outbox: Outbox;
    readonly commits: Commits;
    readonly intake: IntakeOptions;
    /** Of all connections: the shards in which the order of watermarks was wrong, each with the watermark to go on after. */
    readonly orderFailures: Map<string, string>;
    /** Aborts when the connection is gone. */
    readonly signal: AbortSignal;
}
