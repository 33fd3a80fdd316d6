import { randomBytes } from 'node:crypto';

/**
 * A position of the upstream, as seen by one replica of zero-cache.
 *
 * Each initial sync begins a generation. Its positions have resume tokens, and so watermarks, of their own: those of an
 * earlier replica, whose zero-cache may still be connected, were given out before the new `replicaVersion` and would be
 * below it.
 */
export interface GenerationPosition {
    readonly generation: string;
    readonly position: string;
}

/** A generation for a new replica with tables of this fingerprint. */
export function newGeneration(fingerprint: string): string {
    return `${fingerprint}.${randomBytes(6).toString('base64url')}`;
}

/** The fingerprint of the tables that a generation's replica has. */
export function fingerprintIn(generation: string): string {
    return generation.slice(0, generation.indexOf('.'));
}

export function resumeTokenOf({ generation, position }: GenerationPosition): string {
    return `${generation}/${position}`;
}

/** Reads a resume token back; `undefined` when it is not one of ours. */
export function parseResumeToken(resumeToken: string): GenerationPosition | undefined {
    const [, generation, position] = /^([\w-]+\.[\w-]+)\/(.+)$/s.exec(resumeToken) ?? [];
    return generation === undefined || position === undefined ? undefined : { generation, position };
}
