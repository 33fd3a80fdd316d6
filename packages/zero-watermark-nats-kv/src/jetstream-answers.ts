import type { Msg, MsgHdrs } from '@nats-io/transport-node';

import { parseHeaders } from './message-headers.js';
import { ApiFailure, JetStreamCode } from './nats-errors.js';

/** A message as the stream keeps it. */
export interface StoredMessage {
    readonly subject: string;
    readonly sequence: number;
    readonly timestamp: number;
    readonly data: Uint8Array;
    readonly headers: StoredHeaders;
}

/** What the client has parsed, or a map of the same: what is not there is empty, or `undefined`. */
export interface StoredHeaders {
    get(name: string): string | undefined;
    has(name: string): boolean;
}

/** The part of a stream's configuration that this package sets or looks at. Durations are nanoseconds, as on the wire. */
export interface StreamConfig {
    readonly name: string;
    readonly subjects?: readonly string[];
    readonly retention?: string;
    readonly storage?: string;
    readonly num_replicas?: number;
    readonly max_msgs_per_subject?: number;
    readonly max_msgs?: number;
    readonly max_bytes?: number;
    readonly max_age?: number;
    readonly max_msg_size?: number;
    readonly discard?: string;
    readonly duplicate_window?: number;
    readonly allow_rollup_hdrs?: boolean;
    readonly deny_delete?: boolean;
    readonly deny_purge?: boolean;
    readonly allow_direct?: boolean;
    /** Atomic batches (2.12+); older servers leave it out of their answers. */
    readonly allow_atomic?: boolean;
    /** Fast batches (2.14+). */
    readonly allow_batched?: boolean;
    readonly sealed?: boolean;
    readonly placement?: { readonly cluster?: string; readonly tags?: readonly string[] };
    readonly mirror?: { readonly name: string };
    readonly sources?: readonly { readonly name: string }[];
    readonly subject_transform?: { readonly src: string; readonly dest: string };
    readonly no_ack?: boolean;
    readonly discard_new_per_subject?: boolean;
    readonly persist_mode?: string;
    readonly metadata?: Readonly<Record<string, string>>;
}

export interface StreamInfo {
    readonly config: StreamConfig;
    /** RFC 3339, the server's; another value means another stream of the same name. */
    readonly created: string;
    /** Whether it is on a cluster, with however many replicas. */
    readonly isClustered: boolean;
    /** How long ago the leader last had answers from enough replicas for a majority with it; 0 when it is one by itself. */
    readonly majorityHeardMs: number;
    readonly state: { readonly messages: number; readonly first_seq: number; readonly last_seq: number };
}

/** An acknowledged write. */
export interface PublishAck {
    readonly sequence: number;
    readonly duplicate: boolean;
}

export function resultOf(message: Msg): Readonly<Record<string, unknown>> {
    const answer = parseObject(message);
    const { error } = answer;
    if (error !== undefined) {
        throw apiFailure(error);
    }
    return answer;
}

function apiFailure(error: unknown): ApiFailure {
    const { code, err_code: number = code, description } = isRecord(error) ? error : {};
    return new ApiFailure(Number(number ?? 0), String(description ?? ''));
}

export function acknowledgement(message: Msg): PublishAck {
    const { seq: sequence, duplicate } = resultOf(message);
    if (typeof sequence !== 'number' || sequence === 0) {
        throw new ApiFailure(JetStreamCode.DUPLICATE_IN_FLIGHT, 'the acknowledgement has no sequence');
    }
    return { sequence, duplicate: duplicate === true };
}

/** That there is none is no failure: an error, with its stack, would be most of what such a read costs. */
export function storedMessageOrNull(message: Msg): StoredMessage | null {
    const answer = parseObject(message);
    const { error } = answer;
    if (error === undefined) {
        return storedMessage(answer);
    }
    if (isRecord(error) && error['err_code'] === JetStreamCode.NO_MESSAGE_FOUND) {
        return null;
    }
    throw apiFailure(error);
}

function parseObject(message: Msg): Readonly<Record<string, unknown>> {
    let parsed: unknown;
    try {
        parsed = JSON.parse(message.string());
    } catch {
        parsed = undefined;
    }
    if (!isRecord(parsed)) {
        throw new ApiFailure(0, 'the answer is not a JSON object');
    }
    return parsed;
}

function storedMessage(answer: Readonly<Record<string, unknown>>): StoredMessage {
    const message = isRecord(answer['message']) ? answer['message'] : {};
    return {
        subject: String(message['subject']),
        sequence: Number(message['seq']),
        timestamp: Date.parse(String(message['time'])),
        data: Buffer.from(String(message['data'] ?? ''), 'base64'),
        headers: parseHeaders(Buffer.from(String(message['hdrs'] ?? ''), 'base64').toString('utf8'))
    };
}

export function directMessage(message: Msg, headers: MsgHdrs): StoredMessage {
    return {
        subject: headers.get('Nats-Subject'),
        sequence: Number(headers.get('Nats-Sequence')),
        timestamp: Date.parse(headers.get('Nats-Time-Stamp')),
        data: message.data,
        headers
    };
}

export function streamInfo(answer: Readonly<Record<string, unknown>>): StreamInfo {
    const { config, created, state, cluster } = answer;
    if (!isRecord(config) || !isRecord(state)) {
        throw new ApiFailure(0, 'the answer describes no stream');
    }
    return {
        config: { ...config, name: String(config['name']) },
        created: String(created),
        // A single server names itself as the leader, and no cluster.
        isClustered: isRecord(cluster) && typeof cluster['name'] === 'string' && cluster['name'] !== '',
        majorityHeardMs: majorityHeardMs(isRecord(cluster) ? cluster['replicas'] : undefined),
        state: {
            messages: Number(state['messages']),
            first_seq: Number(state['first_seq']),
            last_seq: Number(state['last_seq'])
        }
    };
}

/** @param replicas as the server lists them: without the leader, `active` in nanoseconds, 0 when never heard of */
function majorityHeardMs(replicas: unknown): number {
    const others: readonly unknown[] = Array.isArray(replicas) ? replicas : [];
    const heard = others.map(replica => (isRecord(replica) && Number(replica['active'])) || Infinity);
    const needed = Math.floor((others.length + 1) / 2);
    return needed === 0 ? 0 : (heard.toSorted((a, b) => a - b)[needed - 1] ?? Infinity) / 1e6;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}
