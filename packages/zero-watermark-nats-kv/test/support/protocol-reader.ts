/** A line of the NATS protocol, with what follows it. */
export interface ProtocolMessage {
    readonly verb: string;
    /** Of PUB, HPUB, MSG and HMSG. */
    readonly subject: string | undefined;
    readonly reply: string | undefined;
    /** Headers too. */
    readonly payload: string;
}

/** How many arguments there are without a reply subject; the last one is the payload's length. */
const WITHOUT_REPLY: Readonly<Record<string, number>> = { PUB: 2, HPUB: 3, MSG: 3, HMSG: 4 };

/** Where the reply subject stands, if there is one. */
const REPLY_AT: Readonly<Record<string, number>> = { PUB: 1, HPUB: 1, MSG: 2, HMSG: 2 };

/** Reads what one side of a NATS connection says, in whatever pieces it arrives. */
export class ProtocolReader {
    readonly #onMessage: (message: ProtocolMessage) => void;
    #rest = Buffer.alloc(0);

    constructor(onMessage: (message: ProtocolMessage) => void) {
        this.#onMessage = onMessage;
    }

    read(chunk: Buffer): void {
        const bytes = Buffer.concat([this.#rest, chunk]);
        let at = 0;
        for (;;) {
            const lineEnd = bytes.indexOf('\r\n', at);
            if (lineEnd === -1) {
                break;
            }
            const [verb = '', ...args] = bytes.toString('latin1', at, lineEnd).split(' ');
            const shortest = WITHOUT_REPLY[verb];
            const begin = lineEnd + 2;
            const length = shortest === undefined ? 0 : Number(args.at(-1));
            const end = shortest === undefined ? begin : begin + length + 2;
            if (bytes.length < end) {
                break;
            }
            this.#onMessage({
                verb,
                subject: shortest === undefined ? undefined : args[0],
                reply: shortest === undefined || args.length === shortest ? undefined : args[REPLY_AT[verb] ?? 0],
                payload: bytes.toString('latin1', begin, begin + length)
            });
            at = end;
        }
        this.#rest = bytes.subarray(at);
    }
}
