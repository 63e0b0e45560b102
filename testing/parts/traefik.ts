import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { runCommand } from './command.ts'
import { downloaded, goBlocker, goBuild, says } from './go.ts'
import type { Part } from './part.ts'

const MODULE = 'github.com/traefik/traefik/v3'
const VERSION = '3.6.12'

/** The library by which it gets certificates, and its list of DNS services that it knows: half of all that is compiled. */
const LEGO = 'github.com/go-acme/lego/v4'
const DNS_SERVICES = 'providers/dns/zz_gen_dns_providers.go'
const noDnsServices = `package dns

import (
	"errors"

	"${LEGO}/challenge"
)

func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, errors.New("this program knows no DNS service, and not " + name)
}
`

/**
 * Traefik, a controller of Ingresses and of the Gateway API, without the DNS services for certificates and without its web pages, which
 * its module lacks. `go install` refuses modules that replace others, as this one does, so it is built from a copy of its sources.
 */
export const traefik = (): Part =>
  cached({
    key: `traefik-${VERSION}`,
    announcement: `building Traefik ${VERSION} from its Go module, about 4 minutes`,
    blocker: goBlocker,
    fill: async (folder) => {
      const [sources, lego] = [join(folder, 'sources'), join(folder, 'lego')]
      await copy(await downloaded(MODULE, VERSION), sources, ['cmd', 'pkg', 'internal', 'webui', 'go.mod', 'go.sum'])
      const required = new RegExp(`${LEGO} v(\\S+)`).exec(await readFile(join(sources, 'go.mod'), 'utf8'))?.[1]
      if (!required) throw new Error(`${MODULE} does not require ${LEGO}`)
      await copy(await downloaded(LEGO, required), lego)
      await writeFile(join(lego, DNS_SERVICES), noDnsServices)
      const go = { cwd: sources, ...goBuild }
      await runCommand('go', ['mod', 'edit', `-replace=${LEGO}=${lego}`], go)
      const program = join(folder, 'traefik')
      const flags = `-s -w -X ${MODULE}/pkg/version.Version=${VERSION}`
      await runCommand('go', ['build', '-trimpath', '-ldflags', flags, '-o', program, './cmd/traefik'], go)
      for (const copied of [sources, lego]) await rm(copied, { recursive: true })
      await says(program, ['version'], VERSION)
    },
    path: (folder) => join(folder, 'traefik'),
  })

/** Copies a folder, or some of what it has, from Go's cache, in which all is read-only. */
async function copy(from: string, to: string, names: readonly string[] = ['.']): Promise<void> {
  for (const name of names) await cp(join(from, name), join(to, name), { recursive: true })
  await runCommand('chmod', ['-R', 'u+w', to])
}
