import { RevisionConflictError, WatermarkErrorCode } from '../../errors.js';
import { equals, holds, rejects } from '../expect.js';

/** Sees a call refused because the key is elsewhere, with all that the error has to say. */
export async function conflicts(
    call: () => Promise<unknown>,
    expected: Pick<RevisionConflictError, 'key' | 'expectedRevision' | 'actualRevision'>,
    what: string
): Promise<void> {
    const error = await rejects(WatermarkErrorCode.REVISION_CONFLICT, call, what);
    const { key, expectedRevision, actualRevision } = error as RevisionConflictError;
    equals({ key, expectedRevision, actualRevision }, expected, `what the conflict of ${what} says`);
    equals(error.name, 'RevisionConflictError', 'the name of the error');
    holds(!error.retryable, 'a conflict is not worth trying again unchanged');
}
