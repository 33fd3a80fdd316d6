import { v0 } from '@rocicorp/zero/change-protocol/v0';

/**
 * The watermark that a message of zero-cache says is committed.
 *
 * zero-cache sends only `status` messages: acknowledgements of commits, and echoes of the source's own status messages,
 * which promise nothing. Only the tag tells them apart.
 *
 * @returns `undefined` for an echo
 * @throws {Error} when the message is none of the protocol's
 */
export function committedWatermark(text: string): string | undefined {
    const message: unknown = JSON.parse(text);
    // Properties that a later zero-cache adds do no harm. But when they are let through, the schema takes every
    // acknowledgement for an echo and drops its tag, so that is read from the message itself.
    const [, , { watermark }] = v0.changeSourceUpstreamSchema.parse(message, { mode: 'passthrough' });
    const [, status] = message as v0.ChangeSourceUpstream;
    return 'tag' in status ? watermark : undefined;
}
