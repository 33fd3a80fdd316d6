/** What zero-cache asks for when it connects. */
export interface StreamRequest {
    readonly appId: string;
    readonly shardNum: number;
    readonly publications: readonly string[];
    /** The last transaction that zero-cache has; `undefined` when it has none. */
    readonly lastWatermark: string | undefined;
}

/** The request is not one that this source answers. */
export class BadRequestError extends Error {
    override readonly name = 'BadRequestError';
}

/**
 * Reads the parameters with which zero-cache 1.9 connects.
 *
 * `replicaVersion`, which comes with each `lastWatermark`, says nothing more: zero-cache keeps the two together, and the
 * resume token of the last watermark names the initial sync that it follows. The token of the `replicaVersion` itself may
 * have been removed since, so it could not be checked for good.
 *
 * @throws {BadRequestError} naming the parameter and what was expected of it
 */
export function parseStreamRequest(parameters: URLSearchParams): StreamRequest {
    const appId = parameters.get('appID') ?? '';
    if (!/^[a-z0-9_]{1,60}$/.test(appId)) {
        throw new BadRequestError('appID: expected 1 to 60 lower-case letters, digits and _');
    }
    const shard = parameters.get('shardNum') ?? '';
    if (!/^(0|[1-9]\d{0,8})$/.test(shard)) {
        throw new BadRequestError('shardNum: expected a whole number from 0 on');
    }
    const lastWatermark = parameters.get('lastWatermark') ?? '';
    return {
        appId,
        shardNum: Number(shard),
        publications: parameters.getAll('publications'),
        lastWatermark: lastWatermark === '' ? undefined : lastWatermark
    };
}

/** The shard in which the watermarks of one zero-cache are kept. */
export function shardIdOf({ appId, shardNum }: StreamRequest): string {
    return `${appId}_${shardNum}`;
}
