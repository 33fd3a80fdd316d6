import { createHash, timingSafeEqual } from 'node:crypto';

/** The parameter of the URL that carries the shared secret. */
export const SECRET_PARAMETER = 'secret';

/** The secret is empty, which nobody means who sets one. */
export class EmptySecretError extends Error {
    override readonly name = 'EmptySecretError';

    constructor() {
        super(
            'The secret is empty, so everybody would be let in. Set one that is hard to guess, ' +
                'or leave it out (undefined) to serve everybody.'
        );
    }
}

/** What whoever connects has to know. Nobody who prints it sees it. */
export class SharedSecret {
    readonly #expected: string | undefined;

    /**
     * @param expected `undefined`: everybody is let in
     * @throws {EmptySecretError}
     */
    constructor(expected: string | undefined) {
        if (expected === '') {
            throw new EmptySecretError();
        }
        this.#expected = expected;
    }

    /** Whether everybody is let in. */
    get isMissing(): boolean {
        return this.#expected === undefined;
    }

    /**
     * Tells whether the secret that came is the one that is expected, in a time that says nothing about either, not even
     * how long they are.
     */
    isRight(given: string | null): boolean {
        return this.#expected === undefined || timingSafeEqual(digest(this.#expected), digest(given ?? ''));
    }
}

function digest(secret: string): Buffer {
    return createHash('sha256').update(secret).digest();
}
