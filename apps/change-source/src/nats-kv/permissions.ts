import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';

/** The user of this change source may not do what it has to; asking again changes nothing. */
export class NotPermittedError extends Error {
    override readonly name = 'NotPermittedError';
    readonly subject: string;

    constructor({ subject }: PermissionViolationError) {
        super(
            `The NATS server does not permit this user to use the subject "${subject}". ` +
                'docs/security.md lists the subjects that a change source needs.'
        );
        this.subject = subject;
    }
}

/** The refusal that a failed request ended with; `undefined` when it failed for another reason. */
export function refusalIn(error: unknown): NotPermittedError | undefined {
    const cause = error instanceof Error ? error.cause : undefined;
    const violation = [error, cause].find(candidate => candidate instanceof PermissionViolationError);
    return violation === undefined ? undefined : new NotPermittedError(violation);
}

/** Tells of refusals of what is published without a request, which otherwise nobody hears of. */
export class PublishRefusals {
    readonly #listeners = new Set<(refusal: NotPermittedError) => void>();

    constructor(connection: NatsConnection) {
        void this.#follow(connection);
    }

    /** Calls back with each one, until the returned function is called. */
    listen(listener: (refusal: NotPermittedError) => void): () => void {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    async #follow(connection: NatsConnection): Promise<void> {
        for await (const status of connection.status()) {
            const refusal = status.type === 'error' ? refusalIn(status.error) : undefined;
            if (refusal !== undefined) {
                this.#listeners.forEach(listener => listener(refusal));
            }
        }
    }
}
