/** How names become splits, and columns become images and labels. */
import t from 'tap';
import { chooseColumns } from '../../../src/data/parquet/choose-columns.js';
import { chooseConfig, parquetLayout } from '../../../src/data/parquet/layout.js';
import { readmeFeatures } from '../../../src/data/parquet/readme-features.js';
import { ClassLabel, Image, Value } from '../../../src/data/rows/features.js';

t.test('names of the hub, of its conversion, and of anyone', async t => {
  const layouts: readonly [readonly string[], object][] = [
    [
      [
        'data/test-00000-of-00001.parquet',
        'data/train-00000-of-00002.parquet',
        'data/train-00001-of-00002.parquet',
      ],
      {
        default: {
          train: ['data/train-00000-of-00002.parquet', 'data/train-00001-of-00002.parquet'],
          test: ['data/test-00000-of-00001.parquet'],
        },
      },
    ],
    [
      [
        'plain_text/train-00000-of-00001-0a1b2c3d4e5f6789.parquet',
        'extra/unsupervised-00000-of-00001.parquet',
      ],
      {
        extra: { unsupervised: ['extra/unsupervised-00000-of-00001.parquet'] },
        plain_text: { train: ['plain_text/train-00000-of-00001-0a1b2c3d4e5f6789.parquet'] },
      },
    ],
    [
      [
        'default/partial-train/0000.parquet',
        'default/partial-train/0001.parquet',
        'default/dev/0000.parquet',
      ],
      {
        default: {
          train: ['default/partial-train/0000.parquet', 'default/partial-train/0001.parquet'],
          dev: ['default/dev/0000.parquet'],
        },
      },
    ],
    [
      ['a.parquet', 'trainer.parquet', 'test.parquet', 'validation-b.parquet'],
      {
        default: {
          train: ['a.parquet', 'trainer.parquet'],
          validation: ['validation-b.parquet'],
          test: ['test.parquet'],
        },
      },
    ],
  ];
  for (const [paths, layout] of layouts) t.strictSame(parquetLayout(paths, 'there'), layout);
  const several = parquetLayout(layouts[1][0], 'there');
  t.throws(() => chooseConfig(several, undefined, 'there'), {
    message: /several/,
    hint: /extra, plain_text/,
  });
  t.throws(() => chooseConfig(several, 'plain_txt', 'there'), {
    message: /'plain_txt'/,
    hint: /'plain_text'/,
  });
  t.throws(
    () => parquetLayout(['train-00000-of-00001.parquet', 'train-00000-of-00001-0a.parquet'], 'there'),
    {
      message: /2 of 1/,
    },
  );
});

t.test('columns are told by what they hold, or named', async t => {
  const [fine, coarse] = [new ClassLabel(['oak', 'elm']), new ClassLabel(['tree'])];
  const cifar = { img: new Image(), fine_label: fine, coarse_label: coarse, id: new Value('int64') };
  t.throws(() => chooseColumns(cifar, {}, 'cifar'), {
    code: 'E_DATASET',
    message: /several columns of labels: fine_label, coarse_label/,
  });
  t.strictSame(chooseColumns(cifar, { label: 'coarse_label' }, 'cifar'), {
    image: 'img',
    label: 'coarse_label',
  });
  t.throws(() => chooseColumns({ ...cifar, mask: new Image() }, { label: 'id' }, 'x'), {
    message: /img, mask/,
  });
  const bare = { png: new Value('binary'), label: new Value('string'), n: new Value('int32') };
  t.strictSame(chooseColumns(bare, {}, 'x'), { image: 'png', label: 'label' });
  t.throws(() => chooseColumns({ png: new Value('binary') }, {}, 'x'), { message: /no column of labels/ });
});

t.test('class names of a README, by configuration; none where it is not understood', async t => {
  const front = (lines: string): string => `---\nlicense: mit\n${lines}\ntask_ids: []\n---\ntext`;
  const features = `  features:
  - name: img
    dtype: image
  - name: label
    dtype:
      class_label:
        names:
          '0': T - shirt / top
          '1': "a: \\"b\\""   # said so
          '2': 'it''s'`;
  const names = ['T - shirt / top', 'a: "b"', "it's"];
  const expected = { img: new Image(), label: new ClassLabel(names) };
  const commented = front(`dataset_info:\n${features}\n  splits:\n  - name: train\n    num_examples: 3`);
  t.strictSame(readmeFeatures(commented), expected);
  const two = `dataset_info:\n- config_name: a\n  features:\n  - name: x\n    dtype: image\n- config_name: b\n${features}`;
  t.strictSame(readmeFeatures(front(two), 'b'), expected);
  t.strictSame(readmeFeatures(front(two), 'a'), { x: new Image() });
  t.strictSame(readmeFeatures(front(two)), {}, 'there is no telling');
  t.strictSame(readmeFeatures(commented.replace("'1'", "'4'")), { img: new Image() }, 'a gap in the numbers');
  for (const text of [
    '',
    '# nothing',
    front('dataset_info: 3'),
    front('dataset_info:\n  features:\n    - - : x'),
  ])
    t.strictSame(readmeFeatures(text), {});
});
