import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** How a process has ended. */
export interface ProcessEnd {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
}

/**
 * All processes that a process has started, and those that they have; parents come first.
 *
 * zero-cache's workers are leaders of process groups of their own and outlive their parent, so each has to be ended by
 * itself. Must be called while the parent is there.
 */
export function descendantsOf(root: number): number[] {
    const children = new Map<number, number[]>();
    for (const [pid, parent] of fromProc() ?? fromPs()) {
        children.set(parent, [...(children.get(parent) ?? []), pid]);
    }
    const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap(child => [child, ...below(child)]);
    return below(root);
}

/** Ends processes at once; those that are gone already are fine. */
export function killAll(pids: readonly number[]): void {
    for (const pid of pids) {
        try {
            process.kill(pid, 'SIGKILL');
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
                throw error;
            }
        }
    }
}

/** A process and the one that has started it. */
type ChildAndParent = readonly [pid: number, parent: number];

/** Where the system shows them as files (Linux), also in a container without `ps`. */
function fromProc(): ChildAndParent[] | undefined {
    try {
        return readdirSync('/proc')
            .filter(name => /^\d+$/.test(name))
            .flatMap(statusOf);
    } catch {
        return undefined;
    }
}

function statusOf(pid: string): ChildAndParent[] {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return [[Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]];
    } catch {
        return []; // it has ended
    }
}

function fromPs(): ChildAndParent[] {
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    return [...stdout.matchAll(/(\d+) +(\d+)/g)].map(([, pid, parent]) => [Number(pid), Number(parent)]);
}
