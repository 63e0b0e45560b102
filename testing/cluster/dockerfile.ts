/** One step of a Dockerfile. */
export type Step =
  | { does: 'workdir'; path: string }
  | { does: 'copy'; from: string | undefined; sources: readonly string[]; target: string }
  | { does: 'run'; command: string }
  | { does: 'env'; name: string; value: string }
  | { does: 'label'; name: string; value: string }
  | { does: 'user'; user: string }
  | { does: 'entrypoint'; command: readonly string[] }

/** The steps from one FROM to the next. */
export interface Stage {
  name: string
  /** An earlier stage, or an image from a registry. */
  base: string
  steps: readonly Step[]
}

/**
 * Parses the part of the Dockerfile language that our Dockerfile uses; the last stage is the image. Every ARG has its default.
 *
 * @throws on any other instruction, so that none is ignored silently
 */
export function parseDockerfile(text: string): [Stage, ...Stage[]] {
  const stages: (Stage & { steps: Step[] })[] = []
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
  const defaults = new Map<string, string>()
  for (const line of lines.filter((each) => each !== '')) {
    const [, instruction = '', text = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    const rest = text.replace(/\$\{(\w+)\}/g, (all, name: string) => defaults.get(name) ?? all)
    if (instruction === 'ARG') {
      const [name = '', value] = rest.split('=', 2)
      // An ARG without a value takes over the one before the first FROM.
      if (value !== undefined) defaults.set(name, value)
    } else if (instruction === 'FROM') stages.push(stageOf(rest, stages.length))
    else stages.at(-1)?.steps.push(stepOf(instruction, rest))
  }
  const [first, ...others] = stages
  if (!first) throw new Error('a Dockerfile begins with FROM')
  return [first, ...others]
}

function stageOf(rest: string, index: number): Stage & { steps: Step[] } {
  const [, base = rest, name = String(index)] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? []
  return { name, base, steps: [] }
}

function stepOf(instruction: string, rest: string): Step {
  switch (instruction) {
    case 'WORKDIR':
      return { does: 'workdir', path: rest }
    case 'COPY':
      return copyOf(rest)
    case 'RUN':
      if (rest.startsWith('--')) break
      return { does: 'run', command: rest }
    case 'ENV': {
      const [, name, value] = /^([A-Z_]+)=(\S+)$/.exec(rest) ?? []
      if (name === undefined || value === undefined) break
      return { does: 'env', name, value }
    }
    case 'LABEL': {
      const [, name, value] = /^([a-z.]+)=(\S*)$/.exec(rest) ?? []
      if (name === undefined || value === undefined) break
      return { does: 'label', name, value }
    }
    case 'USER':
      return { does: 'user', user: rest }
    case 'ENTRYPOINT':
      return { does: 'entrypoint', command: JSON.parse(rest) }
  }
  throw new Error(`instruction of the Dockerfile is not supported: ${instruction} ${rest}`)
}

function copyOf(rest: string): Step {
  const words = rest.split(/\s+/)
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
  const target = words.pop()
  if (target === undefined || words.length === 0 || words.some((word) => word.startsWith('--'))) {
    throw new Error(`instruction of the Dockerfile is not supported: COPY ${rest}`)
  }
  return { does: 'copy', from, sources: words, target }
}
