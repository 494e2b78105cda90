/** What each name stands for: block scopes, shadowing, and where each local is declared. */
import { children, type Expression, evaluated, type Node, Refusal, type Source } from './ast.ts';
import { isPropertyName } from './subset.ts';

export interface Local {
  readonly name: string;
  /** Declared by a parameter, const, let; or something else (function, class, import, catch, pattern). */
  readonly kind: 'param' | 'const' | 'let' | 'other';
  /** The node whose scope it is in. */
  readonly scope: Node;
  /** The declarator or parameter. */
  readonly declared: Node;
  readonly init: Expression | null;
  readonly annotation: Node | null;
}

/** Every identifier of the program that names a variable, and the variable. */
export type Names = ReadonlyMap<Node, Local>;

interface Scope {
  readonly node: Node;
  readonly outer: Scope | null;
  readonly names: Map<string, Local>;
}

export function resolveNames(source: Source): Names {
  const names = new Map<Node, Local>();

  function declare(
    scope: Scope,
    pattern: Node,
    kind: Local['kind'],
    declared: Node,
    init: Expression | null,
  ): void {
    if (pattern.type === 'Identifier') {
      const annotation =
        'typeAnnotation' in pattern ? (pattern.typeAnnotation?.typeAnnotation ?? null) : null;
      const local: Local = {
        name: pattern.name,
        kind,
        scope: scope.node,
        declared,
        init,
        annotation,
      };
      scope.names.set(pattern.name, local);
      names.set(pattern, local);
      return;
    }
    for (const child of children(pattern)) {
      if (child.type === 'Property') declare(scope, child.value, 'other', declared, null);
      else if (child.type === 'AssignmentPattern')
        declare(scope, child.left, 'other', declared, null);
      else if (child.type === 'RestElement')
        declare(scope, child.argument, 'other', declared, null);
      else if (
        child.type === 'Identifier' ||
        child.type === 'ObjectPattern' ||
        child.type === 'ArrayPattern'
      ) {
        declare(scope, child, 'other', declared, null);
      }
    }
  }

  function declareStatement(scope: Scope, statement: Node): void {
    if (statement.type === 'VariableDeclaration') {
      if (statement.kind === 'var')
        throw new Refusal(source, statement.start, 'var', 'write let or const');
      const kind = statement.kind === 'let' ? 'let' : 'const';
      for (const d of statement.declarations) declare(scope, d.id, kind, d, d.init);
    } else if (statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration') {
      if (statement.id !== null) declare(scope, statement.id, 'other', statement, null);
    } else if (statement.type === 'ExportNamedDeclaration' && statement.declaration !== null) {
      declareStatement(scope, statement.declaration);
    } else if (statement.type === 'ImportDeclaration') {
      for (const s of statement.specifiers) declare(scope, s.local, 'other', statement, null);
    }
  }

  function inside(node: Node, scope: Scope): Scope {
    const inner: Scope = { node, outer: scope, names: new Map() };
    switch (node.type) {
      case 'Program':
      case 'BlockStatement':
        for (const s of node.body) declareStatement(inner, s);
        return inner;
      case 'SwitchStatement':
        for (const c of node.cases) for (const s of c.consequent) declareStatement(inner, s);
        return inner;
      case 'ForStatement':
        if (node.init !== null) declareStatement(inner, node.init);
        return inner;
      case 'ForOfStatement':
      case 'ForInStatement':
        declareStatement(inner, node.left);
        return inner;
      case 'CatchClause':
        if (node.param !== null) declare(inner, node.param, 'other', node, null);
        return inner;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        for (const p of node.params) {
          if (p.type === 'TSParameterProperty') continue;
          if (p.type === 'RestElement') declare(inner, p.argument, 'other', p, null);
          else if (p.type === 'AssignmentPattern') declare(inner, p.left, 'param', p, null);
          else declare(inner, p, 'param', p, null);
        }
        return inner;
      default:
        return scope;
    }
  }

  function visit(node: Node, parent: Node | null, scope: Scope): void {
    if (isTypeOnly(node)) return;
    if (
      node.type === 'Identifier' &&
      !names.has(node) &&
      (parent === null || !isPropertyName(node, parent))
    ) {
      for (let s: Scope | null = scope; s !== null; s = s.outer) {
        const local = s.names.get(node.name);
        if (local === undefined) continue;
        names.set(node, local);
        break;
      }
    }
    const inner = inside(node, scope);
    for (const child of children(node)) visit(child, node, inner);
  }

  visit(source.program, null, { node: source.program, outer: null, names: new Map() });
  return names;
}

/** Types name no variables. */
export function isTypeOnly(node: Node): boolean {
  if (!node.type.startsWith('TS')) return false;
  return ![
    'TSAsExpression',
    'TSNonNullExpression',
    'TSSatisfiesExpression',
    'TSParameterProperty',
  ].includes(node.type);
}

/** Whether the variable holds something that its own function has just made: not state, and free to be written. */
export function isFresh(local: Local): boolean {
  if (local.init === null) return false;
  const init = evaluated(local.init);
  return (
    init.type === 'ArrayExpression' ||
    init.type === 'ObjectExpression' ||
    init.type === 'NewExpression'
  );
}
