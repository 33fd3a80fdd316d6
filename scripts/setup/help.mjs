// @ts-check

export const USAGE = `Usage: node scripts/setup.mjs [--nats newest|oldest|all|none]

Installs the npm dependencies if they are missing or older than package-lock.json, and finds or fetches nats-server:
  newest  the one that the demo uses (default)
  oldest  one of the oldest supported series, 2.10
  all     both, as the tests need
  none    none

NATS_SERVER_BIN=/path/to/nats-server uses that one. Everything is kept in the folder .cache.`;

const RELEASES = 'https://github.com/nats-io/nats-server/releases';

/**
 * How to get nats-server by hand, for the message when nothing else worked.
 *
 * @param {import('./versions.mjs').Role} role
 */
export function installHelp(role) {
    if (role === 'oldest') {
        return `  To go on, get one in one of these ways and run this again:
    Debian 13               sudo apt install nats-server
    any system              unpack a 2.10.x release of ${RELEASES}
                            so that its program is .cache/nats-server/<version>/nats-server`;
    }
    return `  To go on, get nats-server 2.10 or newer in one of these ways and run this again:
    macOS                   brew install nats-server
    Windows                 scoop install nats-server
                            choco install nats-server
                            winget install NATSAuthors.NATSServer
    Debian 13, Ubuntu       sudo apt install nats-server
    Fedora                  sudo dnf install nats-server
    Arch                    sudo pacman -S nats-server
    any system              unpack a release of ${RELEASES}
  One that is not on PATH is used with
    NATS_SERVER_BIN=/path/to/nats-server
  Tests and demo start their own servers. To use the packages alone, a server in Docker will do:
    docker run -p 4222:4222 nats -js`;
}
