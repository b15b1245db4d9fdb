import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import type { Mark } from '../request.ts';
import { marking, setMarks } from './marks.ts';
import { theme } from './theme.ts';

export interface EditorProps {
  readonly label: string;
  readonly text: string;
  /** The language and its help. */
  readonly language: Extension;
  /** Without it the text can be read only. */
  readonly change?: (text: string) => void;
  /** What Ctrl+Enter does. */
  readonly run?: () => void;
  /** Places that the server found something wrong with. */
  readonly marks?: readonly Mark[];
  /** For those who have to know where the cursor is. */
  readonly view?: RefObject<EditorView | null>;
}

const NO_MARKS: readonly Mark[] = [];

/** A text in an editor. Tab is not taken: it leads to what comes next, as everywhere on the page. */
export function Editor(props: EditorProps): ReactNode {
  const { label, text, language, change, marks = NO_MARKS, view: outside } = props;
  const place = useRef<HTMLDivElement>(null);
  const inside = useRef<EditorView | null>(null);
  const own = useRef(new Compartment());
  // What the editor calls is what the page last said.
  const latest = useRef(props);
  latest.current = props;
  const readOnly = change === undefined;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is made once; text and language follow below
  useEffect(() => {
    if (place.current === null) return;
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          own.current.of(language),
          EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
          lineNumbers(),
          foldGutter(),
          EditorView.lineWrapping,
          theme,
          ...(readOnly ? [EditorState.readOnly.of(true)] : editing(() => latest.current.run?.())),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) latest.current.change?.(state.doc.toString());
          }),
        ],
      }),
    });
    inside.current = editor;
    if (outside) outside.current = editor;
    return () => editor.destroy();
  }, [label, readOnly, outside]);

  useEffect(() => {
    const editor = inside.current;
    if (editor === null || editor.state.doc.toString() === text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    inside.current?.dispatch({ effects: own.current.reconfigure(language) });
  }, [language]);
  useEffect(() => {
    if (!readOnly) inside.current?.dispatch({ effects: setMarks.of(marks) });
  }, [marks, readOnly]);
  return <div className="editor" ref={place} />;
}

function editing(run: () => void): Extension[] {
  return [
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ icons: false }),
    marking,
    Prec.highest(
      keymap.of([
        {
          key: 'Mod-Enter',
          run: () => {
            run();
            return true;
          },
        },
      ]),
    ),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
  ];
}
