import { createHash, timingSafeEqual } from 'node:crypto';

/** The parameter of the URL that carries the shared secret. */
export const SECRET_PARAMETER = 'secret';

/**
 * Tells whether the secret that came is the one that is expected, in a time that says nothing about either, not even how
 * long they are.
 */
export function isSecretRight(expected: string | undefined, given: string | null): boolean {
    return expected === undefined || timingSafeEqual(digest(expected), digest(given ?? ''));
}

function digest(secret: string): Buffer {
    return createHash('sha256').update(secret).digest();
}
