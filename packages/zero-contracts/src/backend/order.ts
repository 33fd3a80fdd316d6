/** Orders strings as Zero orders LexiVersions: by their UTF-16 code units, whatever the locale. */
export function inStringOrder(a: string, b: string): -1 | 0 | 1 {
    return a < b ? -1 : a > b ? 1 : 0;
}
