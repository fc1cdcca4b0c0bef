import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-api'
import { COMPILER_OPTIONS } from '../support/compiler.ts'

/** One thing that a package exports. */
export interface Export {
  readonly name: string
  /** What it is, in a line or a few: a signature, or an interface with the names of its members. */
  readonly text: string
  /** The parts of it without a docblock: its own name, or `name.member`. */
  readonly undocumented: readonly string[]
}

/** The entry points of a package: the paths that it can be imported by, and their sources. */
export function entryPoints(directory: string): Map<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    name: string
    exports: Record<string, { '@conntrack/source'?: string }>
  }
  return new Map(
    Object.entries(exports).flatMap(([path, { '@conntrack/source': source }]) =>
      source === undefined ? [] : [[name + path.slice(1), join(directory, source)] as const],
    ),
  )
}

/** What modules export. They are compiled once, together. */
export function exportsOf(files: readonly string[]): Map<string, Export[]> {
  const program = ts.createProgram([...files], COMPILER_OPTIONS)
  const checker = program.getTypeChecker()
  return new Map(
    files.map((file) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile) as ts.Symbol
      const found = checker.getExportsOfModule(module).map((symbol) => describe(symbol, checker))
      return [file, found.sort((a, b) => (a.name < b.name ? -1 : 1))]
    }),
  )
}

function describe(exported: ts.Symbol, checker: ts.TypeChecker): Export {
  const { name } = exported
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
  const [declaration] = symbol.declarations ?? []
  const members = ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration) ? declaration.members.filter(isPublic) : []
  const documented = (one: ts.Symbol | undefined): boolean => (one?.getDocumentationComment(checker).length ?? 0) > 0
  const undocumented = members
    .filter(
      (member) =>
        member.name !== undefined && !ts.isConstructorDeclaration(member) && !isOverride(member) && !documented(symbolOf(member, checker)),
    )
    .map((member) => `${name}.${memberName(member)}`)
  return {
    name,
    text: textOf(name, symbol, declaration, members, checker),
    undocumented: documented(symbol) ? undocumented : [name, ...undocumented],
  }
}

/** What a class only says again. */
function isOverride(member: ts.Node): boolean {
  return ts.canHaveModifiers(member) && (ts.getModifiers(member) ?? []).some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword)
}

function isPublic(member: ts.TypeElement | ts.ClassElement): boolean {
  return member.name === undefined || !ts.isPrivateIdentifier(member.name)
}

function symbolOf(member: ts.Node, checker: ts.TypeChecker): ts.Symbol | undefined {
  const { name } = member as ts.NamedDeclaration
  return name === undefined ? undefined : checker.getSymbolAtLocation(name)
}

const memberName = (member: ts.TypeElement | ts.ClassElement): string => member.name?.getText() ?? member.kind.toString()

function textOf(
  name: string,
  symbol: ts.Symbol,
  declaration: ts.Declaration,
  members: readonly (ts.TypeElement | ts.ClassElement)[],
  checker: ts.TypeChecker,
): string {
  if (ts.isTypeAliasDeclaration(declaration)) return `type ${name}${parameters(declaration)} = ${oneLine(declaration.type.getText())}`
  if (members.length > 0 || ts.isInterfaceDeclaration(declaration)) {
    const kind = ts.isInterfaceDeclaration(declaration) ? 'interface' : 'class'
    const lines = members.map((member) => `\n  ${oneLine(signature(member))}`)
    return `${kind} ${name}${parameters(declaration as ts.InterfaceDeclaration)} {${lines.join('')}\n}`
  }
  const type = checker.typeToString(checker.getTypeOfSymbol(symbol), declaration)
  return ts.isFunctionDeclaration(declaration) ? `function ${name}${type}` : `const ${name}: ${type}`
}

/** A member without its docblock and, of a class, without its body. */
function signature(member: ts.TypeElement | ts.ClassElement): string {
  const text = member.getText()
  const { body } = member as ts.MethodDeclaration
  return body === undefined ? text : text.slice(0, body.getStart() - member.getStart())
}

const parameters = ({ typeParameters }: { readonly typeParameters?: ts.NodeArray<ts.TypeParameterDeclaration> }): string =>
  typeParameters === undefined ? '' : `<${typeParameters.map((one) => oneLine(one.getText())).join(', ')}>`

const oneLine = (text: string): string =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?= ?[^=>]*$/g, (found) => (found.includes('(') ? '' : found))
    .trim()
