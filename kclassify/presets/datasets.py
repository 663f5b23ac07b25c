"""Built-in data sets: what they are, where their files are published and which settings suit them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RemoteFile:
    """A published file. `size` is in bytes; of `sha256` and `md5` one is given, in hexadecimal."""

    url: str
    size: int | None = None
    sha256: str = ""
    md5: str = ""

    @property
    def name(self) -> str:
        """The last part of the address, under which the file is kept."""
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class DatasetRow:
    """A data set known by name.

    `settings` are the RunConfig values that suit it better than the recipe's. `form` says who reads its files; `images` counts those of
    each part; `class_names` are given where the files do not hold them.
    """

    name: str
    description: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    form: str = "digits"
    files: tuple[RemoteFile, ...] = ()
    images: Mapping[str, int] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()


_DIGITS = {
    "image_size": 64,
    "crop_pct": 1.0,
    "augment.crop_scale": (0.7, 1.0),
    "augment.crop_ratio": (0.9, 1.1),
    "augment.flip": 0.0,  # a mirrored 2 is not a 2
}
# Crops that keep most of an image: of 32 x 32 pixels ImageNet's 8 % would be a patch of 9 x 9.
_CIFAR = {"image_size": 32, "crop_pct": 1.0, "augment.crop_scale": (0.6, 1.0), "augment.crop_ratio": (0.9, 1.1)}
_MNIST = {**_DIGITS, "image_size": 32}
_FASHION = {**_CIFAR, "augment.crop_scale": (0.7, 1.0)}

# The sizes and sha256 digests of the files that are downloaded are those of tensorflow_datasets 4.9.10 (its url_checksums and
# checksums.tsv), the md5 digests of ImageNet's those of torchvision 0.29.2 (datasets/imagenet.py). The addresses are the authors' own,
# for MNIST that of the mirror which took over when its first home closed.
_CIFAR10_FILES = (
    RemoteFile(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        170_052_171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
)
_CIFAR100_FILES = (
    RemoteFile(
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        168_513_733,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    ),
)
_CVDF = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_MNIST_FILES = (
    RemoteFile(_CVDF + "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    RemoteFile(_CVDF + "train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    RemoteFile(_CVDF + "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    RemoteFile(_CVDF + "t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
_ZALANDO = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_FASHION_FILES = (
    RemoteFile(_ZALANDO + "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    RemoteFile(_ZALANDO + "train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    RemoteFile(_ZALANDO + "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    RemoteFile(_ZALANDO + "t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
_VGG = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_FLOWERS_FILES = (
    RemoteFile(_VGG + "102flowers.tgz", 344_862_509, "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246"),
    RemoteFile(_VGG + "imagelabels.mat", 502, "4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d"),
    RemoteFile(_VGG + "setid.mat", 14_989, "46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd"),
)
_ILSVRC = "https://image-net.org/data/ILSVRC/2012/"  # not downloaded: an account there is needed
_IMAGENET_FILES = (
    RemoteFile(_ILSVRC + "ILSVRC2012_img_train.tar", 147_897_477_120, md5="1d675b47d978889d74fa0da5fadfb00e"),
    RemoteFile(_ILSVRC + "ILSVRC2012_img_val.tar", 6_744_924_160, md5="29b22e2961454d5413ddabcf34fc5622"),
    RemoteFile(_ILSVRC + "ILSVRC2012_devkit_t12.tar.gz", md5="fa75699e90414af021442c21a62c3abf"),
)
_FASHION_NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
# In the order of the labels 1 to 102, as the authors list them (Nilsback and Zisserman, ICVGIP 2008); the question mark is theirs.
_FLOWERS = (
    "pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon orchid, bird of paradise, "
    "monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle, yellow iris, globe-flower, purple coneflower, "
    "peruvian lily, balloon flower, giant white arum lily, fire lily, pincushion flower, fritillary, red ginger, grape hyacinth, "
    "corn poppy, prince of wales feathers, stemless gentian, artichoke, sweet william, carnation, garden phlox, love in the mist, "
    "mexican aster, alpine sea holly, ruby-lipped cattleya, cape flower, great masterwort, siam tulip, lenten rose, barbeton daisy, "
    "daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, buttercup, oxeye daisy, common dandelion, petunia, "
    "wild pansy, primula, sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia?, "
    "cautleya spicata, japanese anemone, black-eyed susan, silverbush, californian poppy, osteospermum, spring crocus, bearded iris, "
    "windflower, tree poppy, gazania, azalea, water lily, rose, thorn apple, morning glory, passion flower, lotus, toad lily, "
    "anthurium, frangipani, clematis, hibiscus, columbine, desert-rose, tree mallow, magnolia, cyclamen, watercress, canna lily, "
    "hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican petunia, bromelia, blanket flower, "
    "trumpet creeper, blackberry lily"
)

DATASETS = {
    row.name: row
    for row in (
        DatasetRow(
            "digits",
            "1,797 handwritten digits that come with scikit-learn, as 64 x 64 images; --data FOLDER trains on yours",
            _DIGITS,
            images={"train": 1442, "val": 355},
        ),
        DatasetRow(
            "imagenet1k",
            "ImageNet of ILSVRC 2012, 1,000 classes, from its own archives or folders on this machine",
            {},
            "imagenet",
            _IMAGENET_FILES,
            {"train": 1_281_167, "val": 50_000},
        ),
        DatasetRow(
            "cifar10",
            "CIFAR-10, photographs of 32 x 32 pixels in 10 classes; its test images are the validation part",
            _CIFAR,
            "cifar",
            _CIFAR10_FILES,
            {"train": 50_000, "val": 10_000},
        ),
        DatasetRow(
            "cifar100",
            "CIFAR-100, photographs of 32 x 32 pixels in 100 classes; its test images are the validation part",
            _CIFAR,
            "cifar",
            _CIFAR100_FILES,
            {"train": 50_000, "val": 10_000},
        ),
        DatasetRow(
            "mnist",
            "MNIST, handwritten digits of 28 x 28 pixels; its test images are the validation part",
            _MNIST,
            "idx",
            _MNIST_FILES,
            {"train": 60_000, "val": 10_000},
            tuple("0123456789"),
        ),
        DatasetRow(
            "fashion_mnist",
            "Fashion-MNIST, clothes of 28 x 28 pixels in 10 classes; its test images are the validation part",
            _FASHION,
            "idx",
            _FASHION_FILES,
            {"train": 60_000, "val": 10_000},
            _FASHION_NAMES,
        ),
        DatasetRow(
            "flowers102",
            "Oxford 102 Flowers, its training and validation parts; its 6,149 test images stay out",
            {},
            "flowers",
            _FLOWERS_FILES,
            {"train": 1020, "val": 1020},
            tuple(_FLOWERS.split(", ")),
        ),
    )
}
