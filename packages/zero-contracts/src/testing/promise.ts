import type { Capabilities, ServiceName } from './backend-under-test.js';
import type { OwnOptions, Scene } from './scene.js';

/** What a promise's test needs. */
export interface Conditions {
    /** Capabilities without which it does not apply. */
    readonly needs?: readonly (keyof Capabilities)[];
    /** It needs an instance of its own, opened with these options: it closes it, or reads its log. */
    readonly own?: OwnOptions;
    /** It needs a space of its own: it looks at all that there is. */
    readonly alone?: boolean;
}

/** One promise of a service, and how to see that it is kept. */
export interface Promised extends Conditions {
    /** The promise, in words. */
    readonly name: string;
    readonly run: (scene: Scene) => Promise<void>;
}

/** Promises that belong together. */
export interface Topic {
    readonly service: ServiceName;
    readonly name: string;
    readonly promises: readonly Promised[];
}

/** Makes promises under the same conditions. */
export function given(conditions: Conditions): (name: string, run: Promised['run']) => Promised {
    return (name, run) => ({ ...conditions, name, run });
}

/** A promise that every backend must keep. */
export const promise = given({});
