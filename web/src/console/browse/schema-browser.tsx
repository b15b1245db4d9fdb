import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { type ReactNode, useState } from 'react';

/** Most finds that are listed. */
const SHOWN = 60;

export interface SchemaBrowserProps {
  readonly schema: GraphQLSchema;
  /** `Type` or `Type.field`; the roots without one. */
  readonly shown: string | undefined;
  readonly show: (name: string | undefined) => void;
}

/** Types, fields, arguments and what they mean. */
export function SchemaBrowser({ schema, shown, show }: SchemaBrowserProps): ReactNode {
  const [search, setSearch] = useState('');
  const [typeName = '', fieldName] = (shown ?? '').split('.');
  const type = schema.getType(typeName);
  return (
    <section aria-label="Schema" className="browser">
      <input
        type="search"
        aria-label="Search types, fields and descriptions"
        placeholder="Search types and fields"
        value={search}
        onChange={({ target }) => setSearch(target.value)}
      />
      {search.trim() !== '' ? (
        <Finds
          schema={schema}
          search={search.trim().toLowerCase()}
          show={(name) => {
            setSearch('');
            show(name);
          }}
        />
      ) : type === undefined ? (
        <Roots schema={schema} show={show} />
      ) : (
        <>
          <button type="button" className="plain" onClick={() => show(undefined)}>
            ← all root fields
          </button>
          <TypePage type={type} field={fieldName} show={show} />
        </>
      )}
    </section>
  );
}

function Roots({ schema, show }: { schema: GraphQLSchema; show: (name: string) => void }): ReactNode {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return roots.map(
    (root) =>
      root && (
        <details key={root.name} open={root === roots[0]}>
          <summary>{root.name}</summary>
          <ul>
            {fieldsOf(root)
              .toSorted((a, b) => a.name.localeCompare(b.name))
              .map(({ name, description }) => (
                <li key={name}>
                  <button type="button" className="plain" onClick={() => show(`${root.name}.${name}`)}>
                    {name}
                  </button>
                  <p className="quiet">{description}</p>
                </li>
              ))}
          </ul>
        </details>
      ),
  );
}

function Finds(props: { schema: GraphQLSchema; search: string; show: (name: string) => void }): ReactNode {
  const { schema, search, show } = props;
  const finds = findsIn(schema, search);
  if (finds.length === 0) return <p className="quiet">Nothing is called or described like this.</p>;
  return (
    <ul>
      {finds.slice(0, SHOWN).map(({ name, description }) => (
        <li key={name}>
          <button type="button" className="plain" onClick={() => show(name)}>
            {name}
          </button>
          <p className="quiet">{description}</p>
        </li>
      ))}
      {finds.length > SHOWN && <li className="quiet">and {finds.length - SHOWN} more</li>}
    </ul>
  );
}

export interface Find {
  readonly name: string;
  readonly description: string | null | undefined;
}

/** Types and fields whose names or descriptions have a text, in lower case; names come first. */
export function findsIn(schema: GraphQLSchema, search: string): readonly Find[] {
  const all: Find[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    all.push({ name: type.name, description: type.description });
    for (const { name, description } of fieldsOf(type))
      all.push({ name: `${type.name}.${name}`, description });
  }
  const named = all.filter(({ name }) => name.split('.').at(-1)?.toLowerCase().includes(search));
  const described = all.filter(
    (find) => !named.includes(find) && find.description?.toLowerCase().includes(search),
  );
  return [...named, ...described];
}

type Field = GraphQLField<unknown, unknown> | GraphQLInputField;

function fieldsOf(type: GraphQLNamedType): readonly Field[] {
  return isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
    ? Object.values(type.getFields())
    : [];
}

interface TypePageProps {
  readonly type: GraphQLNamedType;
  readonly field: string | undefined;
  readonly show: (name: string) => void;
}

function TypePage({ type, field, show }: TypePageProps): ReactNode {
  const fields = fieldsOf(type);
  const chosen = fields.find(({ name }) => name === field);
  return (
    <>
      <h2>
        {chosen === undefined ? (
          type.name
        ) : (
          <>
            <button type="button" className="plain" onClick={() => show(type.name)}>
              {type.name}
            </button>
            .{chosen.name}
          </>
        )}
      </h2>
      {chosen === undefined ? (
        <>
          <p>{type.description}</p>
          <dl>
            {fields.map((one) => (
              <Member key={one.name} member={one} show={show} open={`${type.name}.${one.name}`} />
            ))}
            {isEnumType(type) &&
              type.getValues().map(({ name, description }) => (
                <div key={name}>
                  <dt>
                    <code>{name}</code>
                  </dt>
                  <dd className="quiet">{description}</dd>
                </div>
              ))}
          </dl>
        </>
      ) : (
        <>
          <p>{chosen.description}</p>
          <p>
            gives <TypeLink member={chosen} show={show} />
          </p>
          {'args' in chosen && chosen.args.length > 0 && (
            <>
              <h3>Arguments</h3>
              <dl>
                {chosen.args.map((argument) => (
                  <Member key={argument.name} member={argument} show={show} />
                ))}
              </dl>
            </>
          )}
        </>
      )}
    </>
  );
}

interface MemberProps {
  readonly member: Field | GraphQLArgument;
  readonly show: (name: string) => void;
  /** Its own page, where it has one. */
  readonly open?: string;
}

function Member({ member, show, open }: MemberProps): ReactNode {
  const { name, description } = member;
  return (
    <div>
      <dt>
        {open !== undefined && 'args' in member && member.args.length > 0 ? (
          <button type="button" className="plain" onClick={() => show(open)}>
            {name}(…)
          </button>
        ) : (
          <code>{name}</code>
        )}
        : <TypeLink member={member} show={show} />
        {'defaultValue' in member && member.defaultValue !== undefined && (
          <code className="quiet"> = {JSON.stringify(member.defaultValue)}</code>
        )}
      </dt>
      <dd className="quiet">{description}</dd>
    </div>
  );
}

function TypeLink({ member, show }: Pick<MemberProps, 'member' | 'show'>): ReactNode {
  const { name } = getNamedType(member.type);
  return (
    <button type="button" className="plain" onClick={() => show(name)}>
      {String(member.type)}
    </button>
  );
}
