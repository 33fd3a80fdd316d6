import { WatermarkError, WatermarkErrorCode } from '../errors.js';

/**
 * Gives the key back if it can be one: any string that has a UTF-8 form, also the empty one.
 *
 * @throws {WatermarkError} `INVALID_KEY`: not a string, or one with half a surrogate pair.
 */
export function checkKey(key: string): string {
    if (typeof key !== 'string') {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_KEY,
            `A key must be a string, not ${key === null ? 'null' : typeof key}.`
        );
    }
    if (!key.isWellFormed()) {
        throw new WatermarkError(
            WatermarkErrorCode.INVALID_KEY,
            `The key ${quoted(key)} has half a surrogate pair; expected well-formed Unicode.`
        );
    }
    return key;
}

/**
 * Gives the shard id back if it can be one.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: empty, or not well-formed.
 */
export function checkShardId(shardId: string): string {
    return checkText('shard id', shardId, quoted);
}

/**
 * Gives the resume token back if it can be one. Messages don't repeat it: what is in it is the upstream's.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`: empty, or not well-formed.
 */
export function checkResumeToken(resumeToken: string): string {
    return checkText('resume token', resumeToken, () => '');
}

/**
 * Gives the revision back if a key can be at it.
 *
 * @throws {WatermarkError} `INVALID_ARGUMENT`
 */
export function checkExpectedRevision(expectedRevision: number): number {
    if (!Number.isSafeInteger(expectedRevision) || expectedRevision < 1) {
        throw invalidArgument(
            `expectedRevision must be a positive whole number, not ${String(expectedRevision)}.`,
            'Use create() for a key that must not exist.'
        );
    }
    return expectedRevision;
}

function checkText(what: string, text: string, nameOf: (text: string) => string): string {
    if (typeof text !== 'string' || text === '') {
        throw invalidArgument(
            `A ${what} must be a non-empty string, not ${text === '' ? 'an empty one' : typeof text}.`
        );
    }
    if (!text.isWellFormed()) {
        const name = `The ${what} ${nameOf(text)}`.trimEnd();
        throw invalidArgument(`${name} has half a surrogate pair; expected well-formed Unicode.`);
    }
    return text;
}

function quoted(text: string): string {
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function invalidArgument(message: string, remediation?: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.INVALID_ARGUMENT,
        message,
        remediation === undefined ? {} : { remediation }
    );
}
