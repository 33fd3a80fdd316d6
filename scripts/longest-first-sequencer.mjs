// @ts-check
import { BaseSequencer } from 'vitest/node';

/** What takes longest, as a file's path tells: the real zero-cache, real faults, real servers. */
const LONGEST_FIRST = [
    /zero-cache\.nats\.test/,
    /resume-tokens\.nats\.test/,
    /\/faults\/leader/,
    /\/faults\//,
    /\.nats\.test/
];

/** Starts the longest test files first, so that none of them runs alone in the end. */
export default class LongestFirstSequencer extends BaseSequencer {
    /**
     * @override
     * @param {import('vitest/node').TestSpecification[]} files
     */
    async sort(files) {
        const sorted = await super.sort(files);
        return sorted.toSorted((a, b) => rank(a.moduleId) - rank(b.moduleId));
    }
}

/** @param {string} path */
function rank(path) {
    const found = LONGEST_FIRST.findIndex(pattern => pattern.test(path));
    return found === -1 ? LONGEST_FIRST.length : found;
}
