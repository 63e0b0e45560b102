import { stringify } from 'yaml'
import { type ExecutablePlatform, programName } from './executable.ts'

/** An archive of an executable. */
export interface PluginArchive extends Pick<ExecutablePlatform, 'os' | 'arch'> {
  /** Where it is downloaded from. */
  uri: string
  /** Hexadecimal. */
  sha256: string
}

export interface PluginRelease {
  version: string
  /** URL of the public repository. */
  source: string
  archives: readonly PluginArchive[]
}

/** What is in an archive beside the program. */
export const BESIDE_PROGRAM = ['LICENSE', 'NOTICE'] as const

/** The manifest with which krew installs the plugin `realm` of kubectl. */
export const krewManifest = ({ version, source, archives }: PluginRelease): string =>
  stringify(
    {
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'realm' },
      spec: {
        version: `v${version}`,
        homepage: source,
        shortDescription: 'Look after Decentraland-compatible realms',
        description: `Shows, checks, scales, drains and rolls out the realms of a cluster that realm-operator
runs, opens one on this machine, and installs the operator. What runs a realm or players
on this machine (up, join, load) is in the npm package realm-operator.
`,
        ...(archives.some(({ os }) => os === 'darwin') && { caveats: `${ON_MACOS}\n` }),
        platforms: archives.map(({ os, arch, uri, sha256 }) => ({
          selector: { matchLabels: { os, arch } },
          uri,
          sha256,
          bin: programName({ os }),
          files: [programName({ os }), ...BESIDE_PROGRAM].map((from) => ({ from, to: '.' })),
        })),
      },
    },
    { lineWidth: 0 },
  )

const ON_MACOS = `On macOS the program is signed ad hoc, by no developer, and there was no such machine to try it on.
If macOS stops it, sign it there:
codesign --force --sign - "$(readlink "\${KREW_ROOT:-$HOME/.krew}/bin/kubectl-realm")"`
