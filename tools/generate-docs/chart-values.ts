import { readFileSync } from 'node:fs'
import { isAlias, isMap, isScalar, type Pair, parseDocument } from 'yaml'
import { code, tableOf } from './markdown.ts'

/** A value of the chart that users may set. */
export interface ChartValue {
  /** Its path, such as `operator.replicas`. */
  path: string
  default: unknown
  /** The comment above it; of a value of another component that has none, that of the operator's value of this name. */
  about: string
}

/** Values that mean for these components what they mean for the operator. */
const likeOperator = /^(provider|movement)\./

/** The values in helm/values.yaml, in their order. */
export function chartValues(): ChartValue[] {
  const text = readFileSync(new URL('../../helm/values.yaml', import.meta.url), 'utf8')
  const values = valuesIn(text.split('\n'), text)
  const byPath = new Map(values.map((value) => [value.path, value]))
  return values.map((value) => ({
    ...value,
    about: value.about || (byPath.get(value.path.replace(likeOperator, 'operator.'))?.about ?? ''),
  }))
}

/** Every value is a leaf or a map that is written on one line; a map of several lines groups values. */
function valuesIn(lines: readonly string[], text: string): ChartValue[] {
  const document = parseDocument(text)
  const found: ChartValue[] = []
  const visit = (pair: Pair, parent: string) => {
    if (!isScalar(pair.key) || isAlias(pair.value)) throw new Error(`helm/values.yaml: a key below '${parent}' is no plain text`)
    const path = `${parent}${pair.key.value}`
    if (isMap(pair.value) && !pair.value.flow) {
      for (const each of pair.value.items) visit(each as Pair, `${path}.`)
      return
    }
    const line = text.slice(0, pair.key.range?.[0]).split('\n').length - 1
    found.push({ path, default: document.getIn(path.split('.'), false), about: commentAbove(lines, line) })
  }
  if (!isMap(document.contents)) throw new Error('helm/values.yaml holds no map')
  for (const pair of document.contents.items) visit(pair as Pair, '')
  return found.map((value) => ({ ...value, default: plain(value.default) }))
}

const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'toJSON' in value ? (value as { toJSON(): unknown }).toJSON() : value

/** The sentences right above a line; examples among them are indented by more than one space, and left out. */
function commentAbove(lines: readonly string[], line: number): string {
  const comment: string[] = []
  for (let above = line - 1; /^\s*#/.test(lines[above] ?? ''); above--) comment.unshift((lines[above] ?? '').replace(/^\s*#/, ''))
  return comment
    .filter((text) => !text.startsWith('  '))
    .map((text) => text.trim())
    .join(' ')
}

/** helm/README.md: the chart in short, and every value of it. */
export const chartReadme = (): string =>
  `${[
    '# realm-operator',
    '<!-- Written by `npm run generate` from the comments in values.yaml; a test compares it with them. -->',
    [
      'Runs the communications of Decentraland-compatible realms on Kubernetes, and tells explorers where they are. Needs Kubernetes 1.31 or later, and Helm 3',
      'or 4: its tests lint and render it with 3.22 and 4.0.',
    ].join('\n'),
    [
      '```sh',
      'helm upgrade --install realm-operator helm --namespace realm-operator --create-namespace \\',
      '  --set image.repository=REGISTRY/realm-operator',
      '```',
    ].join('\n'),
    [
      'More about installing, upgrading and removing it: [docs/install.md](../docs/install.md). `ci/` has sets of values that its tests render. Values that are',
      'unknown, or of a wrong form, are refused (`values.schema.json`).',
    ].join('\n'),
    ...groups().map(([title, values]) =>
      [
        `## ${title}`,
        tableOf(
          ['value', 'default', 'meaning'],
          values.map(({ path, default: value, about }) => [code(path), code(JSON.stringify(value)), about]),
        ),
      ].join('\n\n'),
    ),
  ].join('\n\n')}\n`

/** Values by the first part of their paths; those without a group come first. */
function groups(): [string, ChartValue[]][] {
  const all = chartValues()
  const nameOf = ({ path }: ChartValue) => (path.includes('.') ? (path.split('.')[0] ?? '') : 'General')
  const names = ['General', ...new Set(all.map(nameOf).filter((name) => name !== 'General'))]
  return names.map((name) => [name, all.filter((value) => nameOf(value) === name)])
}
