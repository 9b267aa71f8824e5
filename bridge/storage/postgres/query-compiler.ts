import { ColumnDefinitionNode, type DataTypeNode, PostgresQueryCompiler } from 'kysely';

/** The column types of the migrations as PostgreSQL's. Texts are compared by their bytes, as SQLite compares them. */
const COLUMN_TYPES: Record<string, string> = {
  integer: 'bigint',
  blob: 'bytea',
  text: 'text collate "C"',
};

export class PortableQueryCompiler extends PostgresQueryCompiler {
  protected override visitDataType(node: DataTypeNode): void {
    const inColumn = this.parentNode !== undefined && ColumnDefinitionNode.is(this.parentNode);
    const type = inColumn ? COLUMN_TYPES[String(node.dataType)] : undefined;
    if (type === undefined) super.visitDataType(node);
    else this.append(type);
  }
}
